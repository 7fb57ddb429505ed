//! Leaving out as much of a list as possible (delta debugging, Zeller and Hildebrandt 2002).

/// Tries to leave out chunks of `items`, large ones first. `keeps` tells which of several shorter lists is the first that
/// will do, if any.
pub(super) fn reduce<T: Clone>(items: Vec<T>, mut keeps: impl FnMut(&[Vec<T>]) -> Option<usize>) -> Vec<T> {
    let mut items = items;
    let mut size = items.len();
    while size > 0 && !items.is_empty() {
        let mut from = 0;
        while from < items.len() {
            let starts: Vec<usize> = (from..items.len()).step_by(size).collect();
            let without = |start: &usize| {
                let kept = items[..*start].iter().chain(items.iter().skip(start + size));
                kept.cloned().collect::<Vec<T>>()
            };
            // Few at a time: what is left out changes all that follow.
            let few: Vec<usize> = starts.into_iter().take(super::WINDOW).collect();
            let shorter: Vec<Vec<T>> = few.iter().map(without).collect();
            match keeps(&shorter) {
                Some(found) => {
                    items = shorter[found].clone();
                    from = few[found];
                }
                None => from = few.last().map_or(items.len(), |last| last + size),
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    items
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::reduce;

    proptest! {
        /// If what is needed is a fixed set, exactly that set stays.
        #[test]
        fn what_is_needed_stays(length in 0_usize..200, needed in prop::collection::btree_set(0_usize..200, 0..6)) {
            let needed: BTreeSet<usize> = needed.into_iter().filter(|one| *one < length).collect();
            let will_do = |list: &Vec<usize>| needed.iter().all(|one| list.contains(one));
            let kept = reduce((0..length).collect(), |lists| lists.iter().position(will_do));
            prop_assert_eq!(kept, needed.into_iter().collect::<Vec<_>>());
        }
    }
}
