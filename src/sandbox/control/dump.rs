//! What lies where, as JSON: for an auditor that believes no ledger.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use crate::words::Address;
use crate::world::{Folder, Message, World};

/// Accounts with their folders and messages, then everything that was submitted, every touch of somebody else's message, and what the world
/// itself sent back.
pub(super) fn dump(world: &World, users: &[Address]) -> Value {
    let accounts: Map<String, Value> = users
        .iter()
        .filter_map(|address| {
            world.with_account(address, |account| {
                let folders: Map<String, Value> = account.folders.iter().map(|(name, folder)| (name.clone(), folder_of(folder))).collect();
                let rule = account.filed.as_ref().map(|(share, folder)| json!({ "share": share, "folder": folder }));
                let facts = json!({ "personality": account.spec.personality, "folders": folders, "junk": rule, "quota": account.quota });
                (address.to_string(), facts)
            })
        })
        .collect();
    let evidence = world.evidence();
    let submissions: Vec<Value> = evidence
        .submissions
        .iter()
        .map(|s| {
            json!({
                "at": s.at, "account": s.account, "from": s.from, "to": s.to, "letter": s.letter.map(|l| l.to_string()), "message_id": s.message_id,
                "date": s.date, "accepted": s.accepted, "code": s.code, "stored": s.stored.as_deref(),
            })
        })
        .collect();
    let touched: Vec<Value> =
        evidence.touched.iter().map(|t| json!({ "at": t.at, "account": t.account, "what": t.what, "serial": t.serial })).collect();
    let came_back: Vec<Value> = evidence
        .came_back
        .iter()
        .map(|c| {
            json!({
                "at": c.at, "account": c.account, "folder": &*c.folder, "message_id": c.message_id, "kind": c.kind,
                "letter": c.letter.map(|l| l.to_string()), "who": c.who, "class": c.class,
            })
        })
        .collect();
    json!({ "modelled": true, "accounts": accounts, "submissions": submissions, "touched": touched, "came_back": came_back })
}

fn folder_of(folder: &Folder) -> Value {
    let messages: Vec<Value> = folder.messages.iter().map(|(uid, message)| message_of(*uid, message)).collect();
    json!({ "special_use": folder.special_use, "uid_validity": folder.uid_validity, "uid_next": folder.uid_next, "messages": messages })
}

fn message_of(uid: u32, message: &Message) -> Value {
    json!({
        "uid": uid, "serial": message.serial, "flags": message.flags, "labels": message.labels, "category": message.category,
        "internaldate": message.received, "first_folder": &*message.first_folder, "planted": message.planted,
        "letter": message.letter.map(|l| l.to_string()), "bytes": BASE64.encode(&message.bytes),
    })
}
