//! How each type takes JSON of whatever sort: scalars, lists, objects; what is of the wrong sort is a flaw.

use super::wire::{Flaws, Key, Seed, Text, Wire};
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// Takes whatever comes; each type says what it makes of what it wants.
struct Lenient<'f, T, K> {
    flaws: &'f Flaws,
    kind: PhantomData<(T, K)>,
}

/// What a type makes of each sort of value; nothing, if that sort is wrong.
trait Take<'de, T> {
    const WANTED: &'static str;
    fn text(_text: Text<'de>) -> Option<T> {
        None
    }
    fn bool(_flag: bool) -> Option<T> {
        None
    }
    fn number(_number: f64, _whole: Option<u64>) -> Option<T> {
        None
    }
}

impl<'de, T: Default, K: Take<'de, T>> Lenient<'_, T, K> {
    fn or_flaw<E>(&self, value: Option<T>) -> Result<T, E> {
        Ok(value.unwrap_or_else(|| {
            self.flaws.tell(K::WANTED);
            T::default()
        }))
    }
}

impl<'de, T: Default, K: Take<'de, T>> Visitor<'de> for Lenient<'_, T, K> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(K::WANTED)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<T, E> {
        self.or_flaw(K::text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        self.or_flaw(K::text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<T, E> {
        self.or_flaw(K::bool(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<T, E> {
        self.or_flaw(K::number(number as f64, Some(number)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<T, E> {
        self.or_flaw(K::number(number as f64, u64::try_from(number).ok()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<T, E> {
        self.or_flaw(K::number(number, None))
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.or_flaw(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        self.or_flaw(None)
    }
}

macro_rules! scalar {
    ($type:ty, $marker:ident, $wanted:literal { $($body:tt)* }) => {
        struct $marker;

        impl<'de> Take<'de, $type> for $marker {
            const WANTED: &'static str = $wanted;
            $($body)*
        }

        impl<'de> Wire<'de> for $type {
            const SCALAR: bool = true;
            fn read<D: Deserializer<'de>>(from: D, flaws: &Flaws) -> Result<Self, D::Error> {
                from.deserialize_any(Lenient::<$type, $marker> { flaws, kind: PhantomData })
            }
        }
    };
}

scalar!(Text<'de>, TakeText, "text" {
    fn text(text: Text<'de>) -> Option<Text<'de>> {
        Some(text)
    }
});
scalar!(bool, TakeBool, "true or false" {
    fn bool(flag: bool) -> Option<bool> {
        Some(flag)
    }
});
// Envoy writes 64-bit numbers as text, and leaves out fractions where there are none.
scalar!(u64, TakeWhole, "a whole number" {
    fn number(_number: f64, whole: Option<u64>) -> Option<u64> {
        whole
    }
    fn text(text: Text<'de>) -> Option<u64> {
        text.parse().ok()
    }
});
scalar!(f64, TakeNumber, "a number" {
    fn number(number: f64, _whole: Option<u64>) -> Option<f64> {
        Some(number)
    }
    fn text(text: Text<'de>) -> Option<f64> {
        text.parse().ok()
    }
});

impl<'de, T: Wire<'de>> Wire<'de> for Option<T> {
    fn read<D: Deserializer<'de>>(from: D, flaws: &Flaws) -> Result<Self, D::Error> {
        struct Maybe<'f, T>(&'f Flaws, PhantomData<T>);

        impl<'de, T: Wire<'de>> Visitor<'de> for Maybe<'_, T> {
            type Value = Option<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_unit<E>(self) -> Result<Option<T>, E> {
                Ok(None)
            }

            fn visit_none<E>(self) -> Result<Option<T>, E> {
                Ok(None)
            }

            fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Option<T>, D::Error> {
                let before = self.0.count();
                let value = T::read(from, self.0)?;
                Ok((!T::SCALAR || self.0.count() == before).then_some(value))
            }
        }

        from.deserialize_option(Maybe(flaws, PhantomData))
    }
}

impl<'de, T: Wire<'de>> Wire<'de> for Box<T> {
    fn read<D: Deserializer<'de>>(from: D, flaws: &Flaws) -> Result<Self, D::Error> {
        T::read(from, flaws).map(Box::new)
    }
}

impl<'de, T: Wire<'de>> Wire<'de> for Vec<T> {
    fn read<D: Deserializer<'de>>(from: D, flaws: &Flaws) -> Result<Self, D::Error> {
        from.deserialize_any(Parts { flaws, wanted: "a list", take: ListOf(PhantomData) })
    }
}

/// The members of an object whose keys are data, in order.
#[derive(Debug, Clone)]
pub(super) struct Pairs<'de, T>(pub Vec<(Text<'de>, T)>);

impl<T> Default for Pairs<'_, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T> Pairs<'de, T> {
    /// The member of this key.
    pub fn get(&self, key: &str) -> Option<&T> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }
}

impl<'de, T: Wire<'de>> Wire<'de> for Pairs<'de, T> {
    fn read<D: Deserializer<'de>>(from: D, flaws: &Flaws) -> Result<Self, D::Error> {
        from.deserialize_any(Parts { flaws, wanted: "an object", take: PairsOf(PhantomData) })
    }
}

/// A part with its own flaws: of many parts of one resource, only those are marked that have some.
#[derive(Debug, Default, Clone)]
pub(super) struct Own<T> {
    /// The part.
    pub part: T,
    /// What could not be read of it.
    pub broken: Option<Box<str>>,
}

impl<'de, T: Wire<'de>> Wire<'de> for Own<T> {
    fn read<D: Deserializer<'de>>(from: D, flaws: &Flaws) -> Result<Self, D::Error> {
        let before = flaws.count();
        let part = T::read(from, flaws)?;
        Ok(Self { part, broken: flaws.take(before).map(Into::into) })
    }
}

/// Takes a container of the right sort; anything else is a flaw.
pub(super) struct Parts<'f, C> {
    pub flaws: &'f Flaws,
    pub wanted: &'static str,
    pub take: C,
}

/// How a container is read.
pub(super) trait Container<'de>: Sized {
    type Value: Default;
    fn map<A: MapAccess<'de>>(self, _map: &mut A, _flaws: &Flaws) -> Option<Result<Self::Value, A::Error>> {
        None
    }
    fn list<A: SeqAccess<'de>>(self, _list: &mut A, _flaws: &Flaws) -> Option<Result<Self::Value, A::Error>> {
        None
    }
}

struct ListOf<T>(PhantomData<T>);

impl<'de, T: Wire<'de>> Container<'de> for ListOf<T> {
    type Value = Vec<T>;
    fn list<A: SeqAccess<'de>>(self, list: &mut A, flaws: &Flaws) -> Option<Result<Vec<T>, A::Error>> {
        let field = flaws.field();
        let mut items = Vec::new();
        loop {
            match list.next_element_seed(Seed::new(flaws, field)) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => return Some(Ok(items)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

struct PairsOf<T>(PhantomData<T>);

impl<'de, T: Wire<'de>> Container<'de> for PairsOf<T> {
    type Value = Pairs<'de, T>;
    fn map<A: MapAccess<'de>>(self, map: &mut A, flaws: &Flaws) -> Option<Result<Self::Value, A::Error>> {
        let field = flaws.field();
        let mut pairs = Vec::new();
        loop {
            match map.next_key::<Key<'de>>() {
                Ok(Some(key)) => match map.next_value_seed(Seed::new(flaws, field)) {
                    Ok(value) => pairs.push((key.0, value)),
                    Err(error) => return Some(Err(error)),
                },
                Ok(None) => return Some(Ok(Pairs(pairs))),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<C> Parts<'_, C> {
    fn flaw<T: Default, E>(&self) -> Result<T, E> {
        self.flaws.tell(self.wanted);
        Ok(T::default())
    }
}

impl<'de, C: Container<'de>> Visitor<'de> for Parts<'_, C> {
    type Value = C::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wanted)
    }

    fn visit_str<E>(self, _text: &str) -> Result<C::Value, E> {
        self.flaw()
    }

    fn visit_bool<E>(self, _flag: bool) -> Result<C::Value, E> {
        self.flaw()
    }

    fn visit_u64<E>(self, _number: u64) -> Result<C::Value, E> {
        self.flaw()
    }

    fn visit_i64<E>(self, _number: i64) -> Result<C::Value, E> {
        self.flaw()
    }

    fn visit_f64<E>(self, _number: f64) -> Result<C::Value, E> {
        self.flaw()
    }

    fn visit_unit<E>(self) -> Result<C::Value, E> {
        Ok(C::Value::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<C::Value, A::Error> {
        let (flaws, wanted) = (self.flaws, self.wanted);
        if let Some(read) = self.take.map(&mut map, flaws) {
            return read;
        }
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        flaws.tell(wanted);
        Ok(C::Value::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<C::Value, A::Error> {
        let (flaws, wanted) = (self.flaws, self.wanted);
        if let Some(read) = self.take.list(&mut list, flaws) {
            return read;
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        flaws.tell(wanted);
        Ok(C::Value::default())
    }
}
