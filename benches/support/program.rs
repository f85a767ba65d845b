//! A run of the program from its start to its exit: how long it took, the most memory it held, how much it printed.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a run took.
pub struct Run {
    /// From start to exit.
    pub took: Duration,
    /// The most memory that it held, in bytes. Only Linux tells.
    pub peak: usize,
    /// How many lines it printed.
    pub lines: usize,
}

/// Run a program to its end; it must succeed. What it prints goes into a file.
pub fn run(mut command: Command) -> Run {
    let file = super::scratch("bench-output.txt");
    let out = std::fs::File::create(&file).expect("the scratch folder can be written");
    let begun = Instant::now();
    let mut child = command.stdout(out).stderr(Stdio::inherit()).spawn().expect("it starts");
    let mut peak = 0;
    let status = loop {
        // The kernel keeps the highest mark, so that only what comes in the very last moment is missed.
        peak = peak.max(super::peak_of(&child.id().to_string()).unwrap_or(0));
        match child.try_wait().expect("a child can be waited for") {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let took = begun.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    let printed = std::fs::read(&file).expect("it was written");
    std::fs::remove_file(&file).expect("the scratch file goes");
    Run { took, peak, lines: printed.split(|byte| *byte == b'\n').count() - 1 }
}
