//! Logs that are followed: nothing is lost or doubled, nothing piles up, and Ctrl-C ends it at once.

use crate::bad_days::{Mesh, POD, faulty};
use crate::support::cluster::{At, Break, LiveLog, Trouble};
use crate::support::run::{PATIENCE, TempDir, pilotage};
use crate::support::tapes;
use jiff::Timestamp;
use pilotage::report::Content;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const OTHER: &str = "olaf-customer/preference-v1-5b86dc984b-jftdp";
/// Noon of the day of the recording, in microseconds.
const NOON: i64 = 1_795_348_800_000_000;

/// How soon Ctrl-C is heeded; a debug build on a machine that runs other tests as well gets more time.
const AT_ONCE: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1000 } else { 100 });

/// The line of this number; each is so many microseconds after the one before.
fn line(number: u64, step: i64) -> String {
    let at = Timestamp::from_microsecond(NOON + i64::try_from(number).unwrap() * step).unwrap();
    format!("{at} line {number} of a log that is long enough to look like those of real applications\n")
}

/// The texts that a closure was given, as a script prints them.
fn texts(lines: u64) -> Vec<String> {
    (0..lines).map(|number| line(number, 1).split_once(' ').unwrap().1.trim_end().to_owned()).collect()
}

/// A running command whose output is read as it comes.
struct Running {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let (kept, out) = (lines.clone(), BufReader::new(child.stdout.take().expect("a pipe")));
        std::thread::spawn(move || out.lines().map_while(Result::ok).for_each(|line| kept.lock().unwrap().push(line)));
        Self { child, lines }
    }

    fn count(&self) -> usize {
        self.lines.lock().unwrap().len()
    }

    #[track_caller]
    fn wait_for(&mut self, count: usize) {
        let begun = Instant::now();
        while self.count() < count {
            if begun.elapsed() > PATIENCE {
                let _ = self.child.kill();
                let mut told = String::new();
                let _ = self.child.stderr.take().expect("a pipe").read_to_string(&mut told);
                panic!("{} lines came, and never {count}; it said: {told}", self.count());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Press Ctrl-C; gives the time until the end, and the exit code.
    fn interrupt(&mut self) -> (Duration, Option<i32>) {
        let pressed = Instant::now();
        assert!(Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().expect("kill is there").success());
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return (pressed.elapsed(), status.code());
            }
            assert!(pressed.elapsed() < PATIENCE, "it never ended");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The most memory that it held so far, in KiB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux tells");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the most that was resident");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
fn wait(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "there never were {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_stream_that_breaks_loses_and_doubles_nothing() {
    let lines = 30_000;
    // Ten lines a second, later thousands: breaks fall into seconds of few and of many lines.
    let slow = |number: u64| line(number, 100_000);
    let fast = |number: u64| line(number, 100).replace("T12:00:0", "T13:00:0");
    let log = LiveLog::new(move |number| if number < 1000 { slow(number) } else { fast(number) }).write(lines / 2);
    let resets = [0, 1, 40, 20_000, 70_001, 500_000];
    for (after, how) in resets.map(|after| (after, Break::Reset)).into_iter().chain([(90_000, Break::End), (333_333, Break::End)])
    {
        log.breaks(after, how);
    }
    let mesh = Mesh::serve(faulty().live_log(POD, "app", &log));
    let mut running = Running::start(mesh.command(&["eval", &format!("logs(\"{POD}\", #{{ follow: true }})")]));
    running.wait_for(usize::try_from(lines / 2).unwrap());
    log.breaks(50_000, Break::Reset);
    log.more(lines / 2);
    running.wait_for(usize::try_from(lines).unwrap());
    std::thread::sleep(Duration::from_millis(300));
    let expected = texts(lines);
    let got = running.lines.lock().unwrap().clone();
    let wrong = got.iter().zip(&expected).position(|(got, expected)| got != expected);
    assert_eq!((wrong, got.len()), (None, expected.len()), "{:?}", wrong.map(|at| &got[at.saturating_sub(1)..at + 2]));
    assert!(log.connections() >= 9, "{} connections", log.connections());
}

/// Lines of two runs: a hundred of the first, ten a second, and then those of the next, a minute later.
fn two_runs(number: u64) -> String {
    let at = line(number, 100_000);
    if number < 100 { at } else { at.replace("T12:00", "T12:01") }
}

fn stderr(running: &mut Running) -> String {
    let mut told = String::new();
    running.child.stderr.take().expect("a pipe").read_to_string(&mut told).expect("text");
    told
}

#[test]
fn a_container_that_restarts_is_followed_into_its_next_run() {
    let log = LiveLog::new(two_runs).write(100);
    let mesh = Mesh::serve(faulty().live_log(POD, "app", &log));
    let mut running = Running::start(mesh.command(&["eval", &format!("logs(\"{POD}\", #{{ follow: true }})")]));
    running.wait_for(100);
    log.stop();
    let connections = log.connections();
    wait("a look at the stopped one", || log.connections() > connections && log.open() == 0);
    std::thread::sleep(Duration::from_secs(1));
    log.restart("2026-11-22T12:00:30Z");
    log.more(50);
    running.wait_for(150);
    log.stop();
    log.restart("2026-11-22T12:01:30Z");
    log.more(1);
    running.wait_for(151);
    running.interrupt();
    assert_eq!(running.lines.lock().unwrap()[..], texts(151));
    let told = stderr(&mut running);
    for words in [
        "pauses: its container stopped (exit code 137, OOMKilled, CrashLoopBackOff), and its next run is waited for",
        "goes on with a new run: its container restarted (exit code 137, OOMKilled; restarts: 1)",
        "restarts: 2)",
    ] {
        assert_eq!(told.matches(words).count(), 1, "{words}: {told}");
    }
    assert!(!told.contains("rotated") && !told.contains("may be missing"), "{told}");
}

#[test]
fn what_a_container_wrote_before_it_was_restarted_is_not_lost_with_the_stream() {
    let log = LiveLog::new(two_runs).write(100);
    log.breaks(line(0, 1).len() as u64 * 60, Break::Reset);
    (0..4).for_each(|_| log.breaks(0, Break::Reset));
    let mesh = Mesh::serve(faulty().live_log(POD, "app", &log));
    let mut running = Running::start(mesh.command(&["eval", &format!("logs(\"{POD}\", #{{ follow: true }})")]));
    running.wait_for(50);
    log.restart("2026-11-22T12:00:30Z");
    log.more(5);
    running.wait_for(105);
    running.interrupt();
    assert_eq!(running.lines.lock().unwrap()[..], texts(105));
    let told = stderr(&mut running);
    assert!(told.contains("goes on with a new run") && !told.contains("may be missing"), "{told}");
}

#[test]
fn a_container_that_has_done_its_work_is_not_waited_for() {
    let log = LiveLog::new(two_runs).write(3);
    log.end();
    let mesh = Mesh::serve(faulty().live_log(POD, "app", &log));
    let output = mesh.eval(&format!("logs(\"{POD}\", #{{ follow: true }})"));
    assert!(output.code == Some(0) && output.took < Duration::from_secs(10), "{output:#?}");
    assert!(output.stderr.contains("ended: its container does not run any more"), "{output:#?}");
}

#[test]
fn a_million_lines_need_no_memory_and_ctrl_c_ends_them_at_once() {
    let lines: u64 = if cfg!(debug_assertions) { 200_000 } else { 1_000_000 };
    let log = LiveLog::new(|number| line(number, 20)).write(lines);
    let mesh = Mesh::serve(faulty().live_log(POD, "app", &log));
    // Only each thousandth is printed: this is about following, and not about printing.
    let source = format!("logs(\"{POD}\", #{{ follow: true, grep: \"line [0-9]*000 \" }})");
    let mut running = Running::start(mesh.command(&["eval", &source]));
    running.wait_for(10);
    let begin = running.memory();
    running.wait_for(usize::try_from(lines / 1000).unwrap() - 1);
    let end = running.memory();
    // The lines themselves are ten times as much and more.
    assert!(end < begin + 8 * 1024, "{begin} KiB became {end} KiB over {lines} lines");
    let (took, code) = running.interrupt();
    assert_eq!(code, Some(130));
    assert!(took < AT_ONCE, "Ctrl-C took {took:?}");
    wait("closed streams", || log.open() == 0);
}

#[test]
fn ctrl_c_in_the_middle_of_a_flood_is_heeded_at_once() {
    let log = LiveLog::new(|number| line(number, 20)).write(u64::MAX / 2);
    let mesh = Mesh::serve(faulty().live_log(POD, "app", &log));
    for source in [
        format!("logs(\"{POD}\", #{{ follow: true }})"),
        format!("logs(\"{POD}\", #{{ follow: true }}, |line| {{ if line.text.contains(\"0000 \") {{ print(line.text) }} }})"),
    ] {
        let mut running = Running::start(mesh.command(&["eval", &source]));
        running.wait_for(2);
        let (took, code) = running.interrupt();
        assert_eq!(code, Some(130), "{source}");
        assert!(took < AT_ONCE, "{source}: Ctrl-C took {took:?}");
    }
}

#[test]
fn several_logs_are_merged_and_each_keeps_its_order() {
    let one = LiveLog::of(&[
        "2026-11-22T12:00:00Z a1",
        "2026-11-22T12:00:02Z a2",
        "2026-11-22T12:00:01.5Z a3 by a clock that was set back",
    ]);
    let two = LiveLog::of(&["2026-11-22T12:00:01Z b1", "2026-11-22T12:00:03Z b2"]);
    one.end();
    two.end();
    let refused = "/api/v1/namespaces/olaf/pods";
    let options =
        faulty().live_log(POD, "app", &one).live_log(OTHER, "app", &two).fault(At::Kube(refused.into()), Trouble::Status(500));
    let mesh = Mesh::serve(options);
    let gateway = "pods(\"*\").find(|pod| pod.proxy == \"gateway\")";
    let output = mesh.eval(&format!("logs([\"{POD}\", \"{OTHER}\", {gateway}], #{{ follow: true, timestamps: true }})"));
    let told: Vec<_> = output.stdout.lines().map(|line| line.split_whitespace().nth(3).unwrap_or_default()).collect();
    assert_eq!(told, ["a1", "b1", "a2", "a3", "b2"], "{output:#?}");
    assert!(output.stdout.starts_with(&format!("2026-11-22T12:00:00Z {POD} app  a1\n")), "{output:#?}");
    assert_eq!(output.code, Some(4), "one log is missing: {output:#?}");
    assert!(output.stderr.contains("500") || output.stderr.contains("trouble"), "{output:#?}");
    assert!(output.stderr.contains("its container does not run any more"), "{output:#?}");
}

#[test]
fn clocks_of_pods_that_differ_hold_up_and_lose_nothing() {
    let behind = LiveLog::new(|number| format!("2026-11-22T11:55:{:02}Z behind {number}\n", number % 60));
    let ahead = LiveLog::new(|number| format!("2026-11-22T12:05:{:02}Z ahead {number}\n", number % 60));
    let mesh = Mesh::serve(faulty().live_log(POD, "app", &behind).live_log(OTHER, "app", &ahead));
    let source = format!("logs([\"{POD}\", \"{OTHER}\"], #{{ follow: true }}, |line| {{ print(line.text) }})");
    let mut running = Running::start(mesh.command(&["eval", &source]));
    wait("two streams", || behind.open() + ahead.open() == 2);
    for round in 0..5 {
        // By its clock, what the second pod writes belongs minutes behind whatever the first one will write.
        ahead.more(1);
        running.wait_for(2 * round + 1);
        behind.breaks(0, Break::Reset);
        behind.more(1);
        running.wait_for(2 * round + 2);
    }
    let (took, _) = running.interrupt();
    assert!(took < AT_ONCE, "Ctrl-C took {took:?}");
    let told: Vec<String> = (0..5).flat_map(|round| [format!("ahead {round}"), format!("behind {round}")]).collect();
    assert_eq!(running.lines.lock().unwrap()[..], told);
}

#[test]
fn lines_come_while_they_are_written_and_a_closure_may_end_it() {
    let log = LiveLog::new(|number| line(number, 1_000_000)).write(3);
    let mesh = Mesh::serve(faulty().live_log(POD, "app", &log));
    let source =
        format!("logs(\"{POD}\", #{{ follow: true, tail: 1 }}, |line| {{ print(line.text); !line.text.contains(\"line 4 \") }})");
    let mut running = Running::start(mesh.command(&["eval", &source]));
    for count in 1..=3 {
        running.wait_for(count);
        log.more(1);
    }
    let begun = Instant::now();
    wait("an end", || log.open() == 0);
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(running.lines.lock().unwrap()[..], texts(5)[2..]);
}

#[test]
fn it_lasts_as_long_as_was_said() {
    let log = LiveLog::of(&["2026-11-22T12:00:00Z only"]);
    let mesh = Mesh::serve(faulty().live_log(POD, "app", &log));
    let output =
        mesh.eval(&format!("let n = 0; logs(\"{POD}\", #{{ follow: true, duration: \"1s\" }}, |line| {{ n += 1; }}); n"));
    assert_eq!((output.stdout.trim(), output.code), ("1", Some(0)), "{output:#?}");
    assert!(output.took >= Duration::from_secs(1) && output.took < Duration::from_secs(10), "{output:#?}");
}

#[test]
fn a_reader_who_left_ends_it() {
    let log = LiveLog::new(|number| line(number, 20)).write(u64::MAX / 2);
    let mesh = Mesh::serve(faulty().live_log(POD, "app", &log));
    let mut command = mesh.command(&["eval", &format!("logs(\"{POD}\", #{{ follow: true }})")]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > PATIENCE {
            let _ = child.kill();
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(status.code(), Some(0));
}

#[test]
fn what_was_followed_can_be_replayed_without_its_secrets() {
    let log = LiveLog::of(&[
        "2026-11-22T12:00:00Z begin",
        "2026-11-22T12:00:01Z 'authorization', 'Bearer s3cr3ts3cr3t'",
        "2026-11-22T12:00:02Z end",
    ]);
    let mesh = Mesh::serve(faulty().live_log(POD, "app", &log));
    let source = format!("logs(\"{POD}\", #{{ follow: true }})");
    let mut running = Running::start(mesh.command(&["--record", "case.tape", "eval", &source]));
    running.wait_for(3);
    running.interrupt();
    let live = running.lines.lock().unwrap().clone();
    assert!(live[1].contains("⟨redacted:header:"), "{live:?}");
    let again = mesh.run_on_tape("case.tape", &source);
    assert_eq!(again.stdout.lines().collect::<Vec<_>>(), live, "{again:#?}");
    let rows = mesh.run_on_tape("case.tape", &format!("logs(\"{POD}\", #{{ tail: 2 }}).len()"));
    assert_eq!(rows.stdout.trim(), "2", "{rows:#?}");
}

#[test]
fn what_cannot_be_followed_says_why() {
    let mesh = Mesh::serve(faulty());
    let no_pod = mesh.eval("logs(\"olaf-customer/nobody\", #{ follow: true })");
    assert!(no_pod.code == Some(1) && no_pod.stderr.contains("nobody"), "{no_pod:#?}");
    for (options, words) in [
        ("follow: true, container: \"nosuch\"", "its containers are"),
        ("follow: true, previous: true", "cannot be followed"),
        ("duration: \"1s\"", "add `follow: true`"),
        ("follow: true, grep: \"(\"", "no regular expression"),
    ] {
        let output = mesh.eval(&format!("logs(\"{POD}\", #{{ {options} }})"));
        assert!(output.code != Some(0) && output.stderr.contains(words), "{options}: {output:#?}");
    }
}

#[test]
fn a_report_is_finished_some_day() {
    let home = TempDir::new();
    let playbook = format!("const PLAYBOOK = #{{ title: \"t\" }};\nlogs(\"{POD}\", #{{ follow: true }});");
    let file = home.write("endless.rhai", &playbook);
    let tape = tapes::path("jwks-certificate-fault");
    let mut command = pilotage(home.path(), &["--tape", &tape.display().to_string(), "run", &file.display().to_string()]);
    let output = command.output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("never finished"), "{output:?}");
}

#[test]
fn messages_of_several_lines_are_one_row() {
    let engine = tapes::engine("b-authz-deny");
    let source = "logs(\"shop/api-0\", #{ container: \"istio-proxy\" }).filter(|line| line.text.contains(\"checking request\"))";
    let Ok(Content::Table(table)) = engine.eval(source) else { panic!("rows") };
    assert!(!table.rows.is_empty());
    let source = format!("{source}.all(|line| line.text.contains(\"':path', '/\") && line.text.contains(\"\\tthread=\"))");
    assert_eq!(engine.eval(&source).unwrap(), Content::Value(true.into()));
    let alone = "logs(\"shop/api-0\", #{ container: \"istio-proxy\" }).some(|line| line.text.starts_with(\"':path'\"))";
    assert_eq!(engine.eval(alone).unwrap(), Content::Value(false.into()));
    // Chosen as a whole, whichever of its lines the pattern finds.
    let source = "let rows = []; logs(\"shop/api-0\", #{ container: \"istio-proxy\", follow: true, grep: \"':path', '/\" }, |line| { rows.push(line.text) }); \
                  rows.len() > 0 && rows.all(|text| text.contains(\"checking request\"))";
    assert_eq!(engine.eval(source).unwrap(), Content::Value(true.into()));
}
