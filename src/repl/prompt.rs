//! The prompt: where questions go, what is going on there, and how the last input ended.

use super::{Place, Session, Source};
use crate::backend::Effect;
use crate::render::middle;
use crate::render::style::{self, Look};
use crate::render::theme::Ink;
use std::sync::atomic::Ordering::Relaxed;

/// No longer than so many columns of a narrow terminal.
const NARROW: usize = 80;
/// The longest name of a context or a tape, on a narrow terminal and on a wide one.
const NAME: [usize; 2] = [24, 48];

impl Session<'_> {
    /// What stands before the cursor: plain, and with colours.
    pub(super) fn prompt(&self) -> (String, String) {
        let place = self.ground.place();
        let parts = parts(&place, self.is_prod(&place), self.failed.load(Relaxed), self.looks.out().width.unwrap_or(NARROW));
        let plain = parts.iter().map(|(text, _)| text.as_str()).collect();
        let painted = parts.iter().map(|(text, style)| self.looks.out().paint(*style, text)).collect();
        (plain, painted)
    }

    /// Whether one must take care there.
    pub(super) fn is_prod(&self, place: &Place) -> bool {
        // `context@cluster` where another cluster than the context's was chosen: each of both counts.
        let names = place.name.split('@').chain([place.name.as_str()]);
        place.source == Source::Live && names.into_iter().any(|name| self.settings().is_prod(name))
    }
}

type Part = (String, Ink);

/// Signs and words first, colours second: who sees none misses nothing.
fn parts(place: &Place, prod: bool, failed: u8, width: usize) -> Vec<Part> {
    let most = NAME[usize::from(width > NARROW)];
    let usual = Ink::from(style::PROMPT);
    let name = match place.source {
        Source::Demo | Source::Nobody if place.namespace == "default" => short(&place.name, most),
        _ => format!("{}/{}", short(&place.name, most), cut(&place.namespace, most)),
    };
    let mut parts: Vec<Part> = Vec::new();
    if prod {
        parts.push((format!("PROD! {name}"), style::PROD.into()));
    } else {
        parts.push((name, usual));
    }
    if let Some(user) = &place.acting.user {
        parts.push((format!(" as {}", cut(user, most)), style::DOUBT.into()));
    }
    if let Some(recording) = &place.recording {
        parts.push(match recording.failure {
            None => (" ●rec".into(), style::BAD.into()),
            Some(_) => (" ✗rec".into(), style::BAD.bold()),
        });
    }
    match place.allowed {
        Effect::Observe => parts.push((" observe".into(), style::FAINT.into())),
        Effect::Tune => {}
        Effect::Change => parts.push((" +change".into(), style::BAD.bold())),
    }
    if place.set > 0 {
        parts.push((format!(" {} set", place.set), style::DOUBT.into()));
    }
    if failed > 0 {
        parts.push((format!(" ✗{failed}"), style::BAD.into()));
    }
    parts.push(("> ".into(), usual));
    parts
}

/// A name as people say it: clouds put accounts, regions and projects in front.
fn short(name: &str, most: usize) -> String {
    let tail = match name {
        arn if arn.starts_with("arn:") => arn.rsplit('/').next().unwrap_or(arn),
        gke if gke.starts_with("gke_") && gke.matches('_').count() >= 3 => gke.splitn(4, '_').nth(3).unwrap_or(gke),
        // OpenShift: project/server:port/user.
        host if host.matches('/').count() == 2 && host.contains(':') => host.split(['/', ':']).nth(1).unwrap_or(host),
        name => name,
    };
    cut(tail, most)
}

/// A name in so many columns, without what would drive the terminal.
fn cut(text: &str, most: usize) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    middle(&clean, most).into_owned()
}

/// What a place is called beside others, in a table.
pub(super) fn marks(here: bool, prod: bool) -> String {
    [(here, "here"), (prod, "PROD")].iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
}

/// The level that is allowed, as a word, in the colour it deserves.
pub(super) fn level(level: Effect, look: &Look) -> String {
    let style: Ink = match level {
        Effect::Observe => style::GOOD.into(),
        Effect::Tune => style::DOUBT.into(),
        Effect::Change => style::BAD.bold(),
    };
    look.paint(style, level.word())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Acting, Recording};

    fn place(source: Source, name: &str, namespace: &str) -> Place {
        let (name, namespace) = (name.to_owned(), namespace.to_owned());
        Place {
            source,
            name,
            namespace,
            chosen: false,
            described: String::new(),
            acting: Acting::default(),
            recording: None,
            allowed: Effect::Tune,
            set: 0,
        }
    }

    fn plain(place: &Place, prod: bool, failed: u8) -> String {
        parts(place, prod, failed, 80).into_iter().map(|(text, _)| text).collect()
    }

    #[test]
    fn it_says_where_and_what_in_words_and_signs() {
        let live = place(Source::Live, "lab", "shop");
        assert_eq!(plain(&live, false, 0), "lab/shop> ");
        assert_eq!(plain(&live, true, 0), "PROD! lab/shop> ");
        assert_eq!(plain(&live, false, 2), "lab/shop ✗2> ");
        assert_eq!(plain(&place(Source::Demo, "demo", "default"), false, 0), "demo> ");
        assert_eq!(plain(&place(Source::Demo, "demo", "olaf"), false, 0), "demo/olaf> ");
        assert_eq!(plain(&place(Source::Nobody, "none", "default"), false, 0), "none> ");
        let recording = Some(Recording { file: "x.tape".into(), answers: 0, failure: None });
        let busy = Place { recording, allowed: Effect::Change, set: 3, ..place(Source::Tape, "case.tape", "shop") };
        assert_eq!(plain(&busy, false, 1), "case.tape/shop ●rec +change 3 set ✗1> ");
        let acting = Acting { user: Some("jane".into()), groups: vec!["ops".into()] };
        assert_eq!(plain(&Place { acting, ..live.clone() }, true, 1), "PROD! lab/shop as jane ✗1> ");
        assert_eq!(plain(&Place { allowed: Effect::Observe, ..live }, false, 0), "lab/shop observe> ");
    }

    #[test]
    fn long_names_are_said_as_people_say_them() {
        for (name, said) in [
            ("arn:aws:eks:eu-west-1:123456789012:cluster/shop-prod", "shop-prod"),
            ("gke_my-project_europe-west1-b_shop_prod", "shop_prod"),
            ("default/api-crc-testing:6443/kubeadmin", "api-crc-testing"),
            ("kind-lab", "kind-lab"),
            ("a-name-that-is-much-longer-than-anybody-needs", "a-name-that-i…nybody-needs"),
            ("odd\u{1b}[31mname", "odd?[31mname"),
            ("網格網格網格網格網格網格網格", "網格網格網格…網格網格網格"),
        ] {
            assert_eq!(short(name, 26), said);
        }
        let long = place(Source::Live, &"x".repeat(200), &"y".repeat(63));
        assert!(plain(&long, true, 1).chars().count() < 64);
    }
}
