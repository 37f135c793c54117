//! How many letters a language's content can make, and how likely two of them are the same.

use std::collections::{BTreeMap, BTreeSet};

use super::library::{Language, Library, Script, Topic};
use super::template::Template;

/// What a language's content can make. Greeting, wish, farewell and the breaks between paragraphs are left out: only what a letter says counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variety {
    /// Distinct pairs of subject and sentences.
    pub distinct: u128,
    /// The chance that two letters, drawn one after the other, have the same.
    pub twice: f64,
}

impl Variety {
    const NONE: Self = Self { distinct: 0, twice: 0.0 };

    /// How many pairs of the same letter are to be expected among `letters`.
    pub fn expected_repeats(&self, letters: u32) -> f64 {
        let n = f64::from(letters);
        n * (n - 1.0) / 2.0 * self.twice
    }
}

impl Library {
    /// The variety of letters that start a thread; `None` for a language that is not there.
    pub fn variety_of_starts(&self, language: &str) -> Option<Variety> {
        let language = self.language(language).ok()?;
        Some(self.over_topics(language, |topic| Some(&topic.start)))
    }

    /// The variety of first answers to letters of the shipped topics, their parents' subject included and the quote left out.
    pub fn variety_of_answers(&self, language: &str) -> Option<Variety> {
        let language = self.language(language).ok()?;
        Some(self.over_topics(language, |topic| topic.answers.as_ref()))
    }

    /// The variety of answers to answers, by their sentences alone.
    pub fn variety_of_follow_ups(&self, language: &str) -> Option<Variety> {
        let language = self.language(language).ok()?;
        Some(self.of_script(&[&language.follow_ups.openings, &language.follow_ups.bodies, &language.follow_ups.closings]))
    }

    /// How many distinct letters that start a thread the language's content can make; 0 for a language that is not there.
    pub fn distinct(&self, language: &str) -> u128 {
        self.variety_of_starts(language).map_or(0, |v| v.distinct)
    }

    fn over_topics(&self, language: &Language, script: impl Fn(&Topic) -> Option<&Script>) -> Variety {
        let each: Vec<Variety> = language
            .topics
            .iter()
            .filter_map(|topic| script(topic).map(|s| self.of_script(&[&topic.subjects, &s.openings, &s.bodies, &s.closings])))
            .collect();
        let n = each.len() as f64;
        each.iter().fold(Variety::NONE, |sum, v| Variety { distinct: sum.distinct + v.distinct, twice: sum.twice + v.twice / (n * n) })
    }

    /// One text of each list, and one row of each slot that these texts name.
    fn of_script(&self, lists: &[&Vec<Template>]) -> Variety {
        let mut slots = SlotVariety { library: self, known: BTreeMap::new() };
        let chance: f64 = lists.iter().map(|list| 1.0 / list.len() as f64).product();
        let mut sum = Variety::NONE;
        for_each_choice(lists, &mut Vec::new(), &mut |texts| {
            let mut uses: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
            for (slot, form) in texts.iter().flat_map(|t| t.uses()) {
                uses.entry(slot).or_default().insert(form);
            }
            let of_slots: Vec<Variety> = uses.into_iter().map(|(slot, forms)| slots.of(slot, forms)).collect();
            sum.distinct += of_slots.iter().map(|v| v.distinct).product::<u128>();
            sum.twice += chance * chance * of_slots.iter().map(|v| v.twice).product::<f64>();
        });
        sum
    }
}

fn for_each_choice<'t>(lists: &[&'t Vec<Template>], taken: &mut Vec<&'t Template>, act: &mut impl FnMut(&[&'t Template])) {
    let Some((list, rest)) = lists.split_first() else {
        act(taken);
        return;
    };
    for template in *list {
        taken.push(template);
        for_each_choice(rest, taken, act);
        taken.pop();
    }
}

/// Rows that look the same in the forms that are used count once.
struct SlotVariety<'l> {
    library: &'l Library,
    known: BTreeMap<(usize, BTreeSet<usize>), Variety>,
}

impl SlotVariety<'_> {
    fn of(&mut self, slot: usize, forms: BTreeSet<usize>) -> Variety {
        let slots = &self.library.slots;
        *self.known.entry((slot, forms)).or_insert_with_key(|(slot, forms)| {
            let rows = slots.rows(*slot);
            let mut counts: BTreeMap<Vec<&str>, u32> = BTreeMap::new();
            for row in 0..rows {
                *counts.entry(forms.iter().map(|form| slots.value(*slot, row, *form)).collect()).or_default() += 1;
            }
            let twice = counts.values().map(|n| (f64::from(*n) / rows as f64).powi(2)).sum();
            Variety { distinct: counts.len() as u128, twice }
        })
    }
}
