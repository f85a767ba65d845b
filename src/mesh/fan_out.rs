//! The same question to many targets: bounded, in order, and what fails does not take the rest with it.

use super::Mesh;
use crate::error::{Error, Result};
use futures::StreamExt;
use std::fmt::Display;

/// Put a question to every item, at most [`Mesh::parallel`] at once. Answers come in the items' order.
pub async fn fan_out<T, R, F, Fut>(mesh: &Mesh, items: Vec<T>, ask: F) -> Vec<(T, Result<R>)>
where
    T: Clone,
    F: Fn(T) -> Fut,
    Fut: Future<Output = Result<R>>,
{
    let asked = items.into_iter().map(|item| {
        let answer = ask(item.clone());
        async move { (item, answer.await) }
    });
    futures::stream::iter(asked).buffered(mesh.parallel()).collect().await
}

/// The same, for those that answered; who did not becomes a note and marks the mesh as partial.
///
/// # Errors
/// When there were items and every one failed: the first failure, with the count.
pub async fn gather<T, R, F, Fut>(mesh: &Mesh, what: &str, items: Vec<T>, ask: F) -> Result<Vec<(T, R)>>
where
    T: Clone + Display,
    F: Fn(T) -> Fut,
    Fut: Future<Output = Result<R>>,
{
    let mut answered = Vec::new();
    let mut failed = Vec::new();
    for (item, answer) in fan_out(mesh, items, ask).await {
        match answer {
            Ok(answer) => answered.push((item, answer)),
            Err(error) => failed.push((item, error)),
        }
    }
    if answered.is_empty()
        && let Some(error) = all_failed(what, &failed)
    {
        return Err(error);
    }
    for (item, error) in failed {
        mesh.note_missing(told(what, &item, &error));
    }
    Ok(answered)
}

/// A failure as a note: what failed, why, and the next step.
pub(crate) fn told(what: &str, item: &impl Display, error: &Error) -> String {
    let step = error.next_step().map(|step| format!(" ({step})")).unwrap_or_default();
    format!("{what} {item}: {error}{step}")
}

fn all_failed<T: Display>(what: &str, failed: &[(T, Error)]) -> Option<Error> {
    let (item, first) = failed.first()?;
    Some(match failed.len() {
        1 => first.clone(),
        count => first.clone().context(format!("all {count} failed, first {what} {item}")),
    })
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;
    use crate::error::Kind;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::time::Duration;

    async fn even(number: u64) -> Result<u64> {
        if number.is_multiple_of(2) { Ok(number * 10) } else { Err(Error::new(Kind::Timeout, "too odd").hint("wait")) }
    }

    #[test]
    fn order_is_kept_and_the_bound_holds() {
        let mesh = Fake::new().mesh().with_parallel(3);
        let (open, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let slow = |number: u64| {
            let (open, most) = (&open, &most);
            async move {
                most.fetch_max(open.fetch_add(1, SeqCst) + 1, SeqCst);
                tokio::time::sleep(Duration::from_millis(10 - number)).await;
                open.fetch_sub(1, SeqCst);
                Ok(number)
            }
        };
        let answers = wait(fan_out(&mesh, (0..9).collect(), slow));
        assert_eq!(answers.into_iter().map(|(_, answer)| answer.unwrap()).collect::<Vec<_>>(), (0..9).collect::<Vec<_>>());
        assert_eq!(most.load(SeqCst), 3);
    }

    #[test]
    fn who_fails_becomes_a_note_and_the_rest_is_kept() {
        let mesh = Fake::new().mesh();
        assert_eq!(wait(gather(&mesh, "pod", vec![2, 3, 4], even)).unwrap(), [(2, 20), (4, 40)]);
        assert!(mesh.partial());
        assert_eq!(mesh.take_notes(), ["pod 3: too odd (wait)"]);
    }

    #[test]
    fn when_all_fail_it_is_an_error_and_none_asked_is_none_answered() {
        let mesh = Fake::new().mesh();
        let error = wait(gather(&mesh, "pod", vec![1, 3], even)).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Timeout, "all 2 failed, first pod 1: too odd"));
        assert_eq!(wait(gather(&mesh, "pod", vec![1], even)).unwrap_err().message(), "too odd");
        assert!(wait(gather(&mesh, "pod", vec![], even)).unwrap().is_empty());
        assert!(mesh.take_notes().is_empty());
    }
}
