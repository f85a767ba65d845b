//! Work that all cores share, with the results in order.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Do parts of a work, each on whatever core is free, and put what they give together in the order of the parts.
///
/// `parts` is how many there are; more parts than cores even out what takes longer.
pub fn on_all_cores<T: Send>(parts: usize, work: impl Fn(usize) -> Vec<T> + Sync) -> Vec<T> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(parts);
    if cores <= 1 {
        return (0..parts).flat_map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        loop {
            let part = next.fetch_add(1, Ordering::Relaxed);
            if part >= parts {
                return done;
            }
            done.push((part, work(part)));
        }
    };
    let mut done: Vec<(usize, Vec<T>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..cores).map(|_| scope.spawn(run)).collect();
        let mut done = run();
        for thread in threads {
            match thread.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_by_key(|(part, _)| *part);
    let mut all = Vec::with_capacity(done.iter().map(|(_, items)| items.len()).sum());
    done.into_iter().for_each(|(_, items)| all.extend(items));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_parts() {
        for parts in [0_usize, 1, 2, 50] {
            let expected: Vec<usize> = (0..parts).flat_map(|part| [part, part]).collect();
            assert_eq!(on_all_cores(parts, |part| vec![part, part]), expected);
        }
    }
}
