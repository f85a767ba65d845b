//! Lenient decoding: what Envoy says is read into structs of ours that borrow from it, and nothing can break that.
//!
//! A field that is not there is its type's default; an unknown one is skipped; one of the wrong type is its default too, and
//! told in [`Flaws`], so that the row which was made of it can be marked. Names are found in Envoy's spelling
//! (`lb_policy`) and in istiod's (`lbPolicy`).

use crate::json::{At, Entry, Found};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;

pub(super) use super::wire_take::{Own, Pairs};

/// Declare a struct that is read leniently: `wire! { struct Cluster<'de> { name: Text<'de>, lb_policy: Text<'de>, } }`. A
/// field whose name is no identifier says it: `kind = "type": Text<'de>`.
macro_rules! wire {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident<$de:lifetime> {
            $( $(#[$field_meta:meta])* $field:ident $(= $key:literal)? : $type:ty, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Default, Clone)]
        $vis struct $name<$de> {
            $( $(#[$field_meta])* pub $field: $type, )+
            /// Structs without text have a lifetime all the same.
            #[doc(hidden)]
            pub lifetime: std::marker::PhantomData<&$de ()>,
        }

        const _: () = {
            use $crate::envoy::wire::{Flaws, Key, Seed, Wire, snake};
            use $crate::envoy::wire_take::{Container, Parts};

            struct Take;

            impl<$de> Container<$de> for Take {
                type Value = $name<$de>;
                fn map<A: serde::de::MapAccess<$de>>(self, map: &mut A, flaws: &Flaws) -> Option<std::result::Result<Self::Value, A::Error>> {
                    let mut value = $name::default();
                    loop {
                        let key = match map.next_key::<Key<$de>>() {
                            Ok(Some(key)) => snake(key.0),
                            Ok(None) => return Some(Ok(value)),
                            Err(error) => return Some(Err(error)),
                        };
                        let read = match key.as_ref() {
                            $( wire!(@key $field $($key)?) => map
                                .next_value_seed(Seed::new(flaws, wire!(@key $field $($key)?)))
                                .map(|read| value.$field = read), )+
                            _ => map.next_value::<serde::de::IgnoredAny>().map(|_| ()),
                        };
                        if let Err(error) = read {
                            return Some(Err(error));
                        }
                    }
                }
            }

            impl<$de> Wire<$de> for $name<$de> {
                fn read<D: serde::Deserializer<$de>>(from: D, flaws: &Flaws) -> std::result::Result<Self, D::Error> {
                    from.deserialize_any(Parts { flaws, wanted: "an object", take: Take })
                }
            }
        };
    };
    (@key $field:ident $key:literal) => { $key };
    (@key $field:ident) => { stringify!($field) };
}

/// Text of a document; borrowed unless it holds escapes.
pub(super) type Text<'de> = Cow<'de, str>;

/// What was of another type than it should be.
#[derive(Debug, Default)]
pub(super) struct Flaws {
    field: Cell<&'static str>,
    /// Whether each member is read by itself, so that one that cannot be read spoils no other.
    careful: Cell<bool>,
    told: RefCell<Vec<String>>,
}

impl Flaws {
    /// The field that is being read.
    pub fn field(&self) -> &'static str {
        self.field.get()
    }

    /// Say that the field at hand is not what it should be.
    pub fn tell(&self, wanted: &str) {
        self.told.borrow_mut().push(format!("{} is not {wanted}", self.field.get()));
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.told.borrow().len()
    }

    /// All of it in one line; nothing when all was well.
    pub fn line(&self) -> Option<String> {
        let told = self.told.borrow();
        (!told.is_empty()).then(|| told.join(", "))
    }

    /// Take out what was told after there were so many: it belongs to a part that keeps it itself.
    pub fn take(&self, after: usize) -> Option<String> {
        let mut told = self.told.borrow_mut();
        let kept = after.min(told.len());
        let taken = told.split_off(kept);
        (!taken.is_empty()).then(|| taken.join(", "))
    }

    /// Add what was found out otherwise.
    pub fn add(&self, flaw: String) {
        self.told.borrow_mut().push(flaw);
    }
}

/// A type that can be read from any JSON whatever.
pub(super) trait Wire<'de>: Default {
    /// Whether it has no parts: then it is right or wrong as a whole.
    const SCALAR: bool = false;
    /// Read it. Only bad JSON is an error.
    fn read<D: Deserializer<'de>>(from: D, flaws: &Flaws) -> Result<Self, D::Error>;
}

/// Reads the text of one value, and says how many bytes it had.
pub(super) fn read<'de, T: Wire<'de>>(text: &'de [u8], flaws: &Flaws) -> (T, Option<usize>) {
    let before = flaws.count();
    let once = || {
        let mut json = serde_json::Deserializer::from_slice(text);
        // What follows is not ours to read; the stream only tells how far it came.
        T::read(&mut json, flaws).map(|value| (value, Some(json.into_iter::<IgnoredAny>().byte_offset())))
    };
    let again = |_| {
        flaws.take(before);
        let careful = flaws.careful.replace(true);
        let read = once();
        flaws.careful.set(careful);
        read
    };
    once().or_else(again).unwrap_or_else(|error| {
        flaws.add(format!("cannot be read: {error}"));
        (T::default(), None)
    })
}

/// Reads an element of a list and makes a record of it, with its place.
pub(super) fn found<'a, T: Wire<'a>, R>(entry: &Entry<'a>, make: impl FnOnce(T, &Flaws) -> R) -> (Found<R>, Option<usize>) {
    let flaws = Flaws::default();
    let (value, size) = read(entry.rest(), &flaws);
    (Found { record: make(value, &flaws), at: At::new(entry.start) }, size)
}

/// Carries the flaws to where a member is read.
pub(super) struct Seed<'f, T>(&'f Flaws, PhantomData<T>);

impl<'f, T> Seed<'f, T> {
    pub fn new(flaws: &'f Flaws, field: &'static str) -> Self {
        flaws.field.set(field);
        Self(flaws, PhantomData)
    }
}

impl<'de, T: Wire<'de>> DeserializeSeed<'de> for Seed<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        let flaws = self.0;
        if !flaws.careful.get() {
            return T::read(from, flaws);
        }
        let (raw, field) = (<&RawValue>::deserialize(from)?, flaws.field());
        let mut json = serde_json::Deserializer::from_str(raw.get());
        Ok(T::read(&mut json, flaws).unwrap_or_else(|_| {
            // Good JSON all the same: a number beyond all bounds.
            flaws.add(format!("{field} is no number that can be held"));
            T::default()
        }))
    }
}

/// Any value, unread.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Raw<'de>(Option<&'de RawValue>);

impl<'de> Wire<'de> for Raw<'de> {
    fn read<D: Deserializer<'de>>(from: D, _flaws: &Flaws) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(from)?;
        Ok(Self((raw.get() != "null").then_some(raw)))
    }
}

impl<'de> Raw<'de> {
    /// Whether something stands there.
    pub fn is_some(self) -> bool {
        self.0.is_some()
    }

    /// Its text; empty when nothing stands there.
    pub fn json(self) -> &'de str {
        self.0.map_or("", RawValue::get)
    }

    /// Read it as this.
    pub fn read<T: Wire<'de>>(self, flaws: &Flaws) -> T {
        match self.0 {
            Some(raw) => read(raw.get().as_bytes(), flaws).0,
            None => T::default(),
        }
    }

    /// All of it as a value; null when it is nested too deep.
    pub fn value(self) -> serde_json::Value {
        self.0.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }

    /// The type that an `Any` says it is, without its package: `HttpConnectionManager`. A wrapper (`TypedStruct`) says
    /// what it stands for.
    pub fn kind(self) -> Option<String> {
        match first_type(self.json()) {
            Some(kind) if !is_wrapper(kind) => Some(last_word(kind).to_owned()),
            _ => self.read::<Typed<'_>>(&Flaws::default()).name(),
        }
    }

    /// What an `Any` holds: itself, or the value inside of a wrapper.
    pub fn content(self) -> Self {
        if first_type(self.json()).is_some_and(|kind| !is_wrapper(kind)) {
            return self;
        }
        let typed: Typed<'de> = self.read(&Flaws::default());
        if typed.is_wrapper() && typed.value.is_some() { typed.value } else { self }
    }
}

wire! {
    /// What an `Any` says of itself.
    struct Typed<'de> {
        at_type = "@type": Text<'de>,
        type_url: Text<'de>,
        value: Raw<'de>,
    }
}

/// The type of an object that says it first, as Envoy's do: so that it need not be read through for that.
fn first_type(json: &str) -> Option<&str> {
    let rest = json.strip_prefix('{')?.trim_start().strip_prefix("\"@type\"")?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let kind = &rest[..rest.find('"')?];
    (!kind.is_empty() && !kind.contains('\\')).then_some(kind)
}

/// Whether a type only stands for another.
pub(super) fn is_wrapper(kind: &str) -> bool {
    matches!(last_word(kind), "TypedStruct" | "Struct")
}

impl Typed<'_> {
    fn is_wrapper(&self) -> bool {
        is_wrapper(&self.at_type)
    }

    fn name(&self) -> Option<String> {
        let kind = if self.is_wrapper() && !self.type_url.is_empty() { &self.type_url } else { &self.at_type };
        (!kind.is_empty()).then(|| last_word(kind).to_owned())
    }
}

/// The last part of a type's name: `type.googleapis.com/envoy.config.cluster.v3.Cluster` is a `Cluster`.
pub(super) fn last_word(kind: &str) -> &str {
    kind.rsplit(['.', '/']).next().unwrap_or(kind)
}

/// A key, in `snake_case` for those of structs.
pub(super) struct Key<'de>(pub Text<'de>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }

        from.deserialize_str(Read)
    }
}

/// `lbPolicy` as Envoy spells it: `lb_policy`.
pub(super) fn snake<'a>(key: Text<'a>) -> Text<'a> {
    if !key.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return key;
    }
    let mut snake = String::with_capacity(key.len() + 4);
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    Cow::Owned(snake)
}

#[cfg(test)]
mod tests {
    use super::*;

    wire! {
        struct Inner<'de> {
            deep_name: Text<'de>,
        }
    }

    wire! {
        struct Outer<'de> {
            name: Text<'de>,
            kind = "type": Option<Text<'de>>,
            max_requests: Option<u64>,
            weight: f64,
            on: bool,
            inner: Inner<'de>,
            many: Vec<Inner<'de>>,
            by_name: Pairs<'de, u64>,
            any: Raw<'de>,
        }
    }

    fn outer(text: &str) -> (Outer<'_>, Option<String>) {
        let flaws = Flaws::default();
        let (value, _) = read(text.as_bytes(), &flaws);
        (value, flaws.line())
    }

    #[test]
    fn both_spellings_are_read_and_the_unknown_is_skipped() {
        for text in [
            r#"{"max_requests":"7","inner":{"deep_name":"x"},"by_name":{"camelKey":1},"new":{"a":[1]},"type":"EDS"}"#,
            r#"{"maxRequests":7,"inner":{"deepName":"x"},"byName":{"camelKey":1},"brandNew":[],"type":"EDS"}"#,
        ] {
            let (outer, flaws) = outer(text);
            assert_eq!((outer.max_requests, outer.inner.deep_name.as_ref(), flaws), (Some(7), "x", None));
            assert_eq!((outer.by_name.get("camelKey"), outer.kind.as_deref()), (Some(&1), Some("EDS")));
        }
    }

    #[test]
    fn what_is_of_another_type_is_told_and_the_rest_is_kept() {
        let text =
            r#"{"max_requests":[1],"name":{"a":1},"weight":"x","on":"yes","inner":3,"many":{"a":1},"type":5,"by_name":[1]}"#;
        let (outer, flaws) = outer(text);
        assert_eq!((outer.name.as_ref(), outer.max_requests, outer.kind, outer.many.len()), ("", None, None, 0));
        let flaws = flaws.unwrap();
        for told in ["max_requests is not a whole number", "name is not text", "inner is not an object", "many is not a list"] {
            assert!(flaws.contains(told), "{flaws}");
        }
        assert_eq!(flaws.split(", ").count(), 8);
    }

    #[test]
    fn a_number_beyond_all_bounds_spoils_only_its_field() {
        let text = r#"{"name":"a","max_requests":1e400,"inner":{"deep_name":-1e999},"many":[{"deep_name":"x"},{"deep_name":1e400}],
            "weight":1e400,"other":1e400,"by_name":{"a":1,"b":1e400},"any":{"@type":"x/a.B","value":1e400},"on":true} , "#;
        let flaws = Flaws::default();
        let (outer, size) = read::<Outer<'_>>(text.as_bytes(), &flaws);
        assert_eq!((outer.name.as_ref(), outer.on, outer.max_requests, size), ("a", true, None, Some(text.len() - 3)));
        assert_eq!((outer.many[0].deep_name.as_ref(), outer.by_name.get("a")), ("x", Some(&1)));
        assert_eq!(outer.any.kind().as_deref(), Some("B"));
        let told = flaws.line().unwrap();
        for field in ["max_requests", "deep_name", "weight", "by_name"] {
            assert!(told.contains(&format!("{field} is no number that can be held")), "{told}");
        }
        assert_eq!(told.split(", ").count(), 5, "{told}");
        assert_eq!(read::<u64>(b"1e400", &flaws).0, 0);
    }

    #[test]
    fn null_is_absent() {
        let (outer, flaws) = outer(r#"{"max_requests":null,"name":null,"inner":null,"many":null,"any":null,"by_name":null}"#);
        assert!(outer.max_requests.is_none() && !outer.any.is_some() && flaws.is_none());
    }

    #[test]
    fn what_follows_is_left_alone() {
        let flaws = Flaws::default();
        let (outer, size) = read::<Outer<'_>>(br#"{"name":"a\nb"} , {"name":7}"#, &flaws);
        assert_eq!((outer.name.as_ref(), size, flaws.line()), ("a\nb", Some(15), None));
        let (_, size) = read::<Outer<'_>>(br#"{"name":"#, &flaws);
        assert!(size.is_none() && flaws.line().unwrap().contains("cannot be read"));
    }

    #[test]
    fn an_any_says_what_it_is() {
        let (typed, _) = outer(r#"{"any":{"@type":"type.googleapis.com/a.b.v3.Rbac","rules":{}}}"#);
        assert_eq!(typed.any.kind().as_deref(), Some("Rbac"));
        let (wrapped, _) =
            outer(r#"{"any":{"@type":"x/udpa.type.v1.TypedStruct","type_url":"x/a.Jwt","value":{"deep_name":"v"}}}"#);
        assert_eq!(wrapped.any.kind().as_deref(), Some("Jwt"));
        let inner: Inner<'_> = wrapped.any.content().read(&Flaws::default());
        assert_eq!(inner.deep_name, "v");
    }
}
