//! Many rows worked on by all cores, a few thousand at a time, and taken in order: memory stays small however many there are.

use std::io;
use std::ops::Range;

/// Rows that are worked on at once by one core.
const ROWS: usize = if cfg!(test) { 3 } else { 4096 };

/// Work on each range of so many rows, and take what was made of it, in order.
///
/// # Errors
/// The first that taking gave; then no more work is done.
pub fn each<T: Send>(
    count: usize,
    work: impl Fn(Range<usize>) -> T + Sync,
    mut take: impl FnMut(T) -> io::Result<()>,
) -> io::Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(count.div_ceil(ROWS));
    let range = |number: usize| number * ROWS..count.min((number + 1) * ROWS);
    let mut next = 0;
    while next * ROWS < count {
        let work = &work;
        let made = std::thread::scope(|scope| {
            let others: Vec<_> = (next + 1..next + cores)
                .map(range)
                .filter(|rows| !rows.is_empty())
                .map(|rows| scope.spawn(move || work(rows)))
                .collect();
            let mut made = vec![work(range(next))];
            for other in others {
                match other.join() {
                    Ok(more) => made.push(more),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            made
        });
        next += made.len();
        made.into_iter().try_for_each(&mut take)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_come_in_order_and_cover_all() {
        for count in 0..40 {
            let mut all = Vec::new();
            each(
                count,
                |rows| rows.collect::<Vec<_>>(),
                |rows| {
                    all.extend(rows);
                    Ok(())
                },
            )
            .unwrap();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn who_does_not_take_any_more_ends_the_work() {
        let worked = std::sync::atomic::AtomicUsize::new(0);
        let count = |rows: Range<usize>| worked.fetch_add(rows.len(), std::sync::atomic::Ordering::Relaxed);
        let error = each(1_000_000, count, |_| Err(io::ErrorKind::BrokenPipe.into())).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        assert!(worked.into_inner() < 10_000);
    }
}
