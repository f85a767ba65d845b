//! What help has something on: names, and what somebody sees whom it helps.

use super::command::COMMANDS;
use super::complete_offers::line;
use super::complete_rank::Offer;
use crate::Pilotage;
use crate::host::Playbook;
use std::collections::BTreeMap;

/// What has an entry of its own: functions, modules, families and playbooks.
pub fn entries(pilotage: &Pilotage) -> Vec<Offer> {
    named(pilotage, &pilotage.playbooks())
}

fn named(pilotage: &Pilotage, playbooks: &[Playbook]) -> Vec<Offer> {
    let catalog = pilotage.catalog();
    let mut offers: Vec<Offer> =
        catalog.entries.iter().map(|entry| Offer::plain(entry.full_name(), line(&entry.summary))).collect();
    let families = catalog.entries.iter().map(|entry| &entry.family);
    offers.extend(families.map(|family| Offer::plain(family.clone(), "a family of functions")));
    offers.extend(playbooks.iter().map(|playbook| Offer::plain(playbook.name.clone(), playbook.title().to_owned())));
    offers.sort_by(|a, b| a.name.cmp(&b.name));
    offers.dedup_by(|a, b| a.name == b.name);
    offers
}

/// Whatever help can be asked for: entries, commands, then symptoms with who helps with them.
pub fn topics(pilotage: &Pilotage) -> Vec<Offer> {
    let (catalog, playbooks) = (pilotage.catalog(), pilotage.playbooks());
    let mut offers = named(pilotage, &playbooks);
    offers.extend(COMMANDS.iter().map(|command| Offer::plain(command.typed(), command.about)));
    let mut helps: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let told = playbooks.iter().map(|playbook| (playbook.name.clone(), playbook.symptoms()));
    let told = told.chain(catalog.entries.iter().map(|entry| (entry.full_name(), entry.symptoms.clone())));
    for (name, symptoms) in told {
        for symptom in symptoms {
            helps.entry(plain(&symptom)).or_default().push(name.clone());
        }
    }
    offers.extend(helps.into_iter().map(|(symptom, who)| Offer::plain(symptom, format!("helped by {}", who.join(", ")))));
    offers
}

/// A symptom as it is typed: without the marks of code.
fn plain(symptom: &str) -> String {
    symptom.replace('`', "").split_whitespace().collect::<Vec<_>>().join(" ")
}
