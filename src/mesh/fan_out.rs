//! The same question to many targets: bounded, in order, and what fails does not take the rest with it.

use super::Mesh;
use crate::error::{Error, Kind, Result};
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
        if error.kind() != Kind::NoProxy {
            // A script may catch this and go on with what it has, which is not all.
            mesh.mark_partial();
        }
        return Err(error);
    }
    let (proxyless, failed): (Vec<_>, Vec<_>) = failed.into_iter().partition(|(_, error)| error.kind() == Kind::NoProxy);
    note_proxyless(mesh, what, &proxyless);
    for (item, error) in failed {
        mesh.note_missing(told(what, &item, &error));
    }
    Ok(answered)
}

/// Pods without a proxy are no failure when many were asked: most clusters have some.
fn note_proxyless<T: Display>(mesh: &Mesh, what: &str, proxyless: &[(T, Error)]) {
    const NAMED: usize = 3;
    if proxyless.len() <= NAMED {
        proxyless.iter().for_each(|(item, error)| mesh.note(told(what, item, error)));
        return;
    }
    let names: Vec<String> = proxyless.iter().take(NAMED).map(|(item, _)| item.to_string()).collect();
    let more = proxyless.len() - NAMED;
    mesh.note(format!("{} run no proxy and are left out: {} and {more} more", proxyless.len(), names.join(", ")));
}

/// A failure as a note: what failed, why, and the next step.
pub(crate) fn told(what: &str, item: &impl Display, error: &Error) -> String {
    let (item, step) = (item.to_string(), error.next_step().map(|step| format!("; {step}")).unwrap_or_default());
    if error.message().contains(&item) { format!("{error}{step}") } else { format!("{what} {item}: {error}{step}") }
}

/// The failure that stands for all: the first that a permission, a restart or a repair could help against.
fn all_failed<T: Display>(what: &str, failed: &[(T, Error)]) -> Option<Error> {
    let telling = failed.iter().find(|(_, error)| !matches!(error.kind(), Kind::NoProxy | Kind::NotRunning));
    let (item, error) = telling.or(failed.first())?;
    Some(match failed.len() {
        1 => error.clone(),
        count => error.clone().context(format!("all {count} failed, one of them {what} {item}")),
    })
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;
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
        assert_eq!(mesh.take_notes(), ["pod 3: too odd; wait"]);
    }

    #[test]
    fn when_all_fail_it_is_an_error_and_none_asked_is_none_answered() {
        let mesh = Fake::new().mesh();
        let error = wait(gather(&mesh, "pod", vec![1, 3], even)).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Timeout, "all 2 failed, one of them pod 1: too odd"));
        assert_eq!(wait(gather(&mesh, "pod", vec![1], even)).unwrap_err().message(), "too odd");
        assert!(wait(gather(&mesh, "pod", vec![], even)).unwrap().is_empty());
        assert!(mesh.take_notes().is_empty());
    }

    async fn proxied(number: u64) -> Result<u64> {
        match number {
            0..10 => Err(Error::new(Kind::NoProxy, "runs no proxy")),
            10 => Err(Error::new(Kind::Forbidden, "you may not")),
            _ => Ok(number),
        }
    }

    #[test]
    fn pods_without_a_proxy_are_no_missing_answers() {
        let mesh = Fake::new().mesh();
        assert_eq!(wait(gather(&mesh, "pod", vec![1, 11], proxied)).unwrap(), [(11, 11)]);
        assert_eq!((mesh.partial(), mesh.take_notes()), (false, vec!["pod 1: runs no proxy".to_owned()]));
        wait(gather(&mesh, "pod", vec![1, 2, 3, 4, 5, 11], proxied)).unwrap();
        assert_eq!(mesh.take_notes(), ["5 run no proxy and are left out: 1, 2, 3 and 2 more"]);
    }

    #[test]
    fn when_all_fail_the_failure_that_can_be_helped_is_told() {
        let mesh = Fake::new().mesh();
        let error = wait(gather(&mesh, "pod", vec![1, 10, 2], proxied)).unwrap_err();
        assert_eq!((error.kind(), error.message()), (Kind::Forbidden, "all 3 failed, one of them pod 10"));
        assert_eq!(wait(gather(&mesh, "pod", vec![1, 2], proxied)).unwrap_err().kind(), Kind::NoProxy);
    }
}
