//! YAML: what is read can be written and read again, and every value has its line.

use arbitrary::{Arbitrary, Unstructured};
use largescale::core::yaml::{
    read, read_generated, read_one, read_own, read_own_one, read_typed, write_scalar,
};
use serde_json::{Value, json};

use super::checks::{FILE, inside, is_plain, located, round_trip, text};
use super::json::{Json, Text, pointers};

/// Any text.
pub fn texts(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let documents = match read(FILE, text) {
        Ok(documents) => documents,
        Err(problem) => return located([&problem], text),
    };
    if read_one(FILE, text).is_ok() {
        assert_eq!(documents.len(), 1);
    }
    // The program's own files may be smaller; otherwise they are read alike.
    // kubectl splits a text before it is read as YAML, so their number may be another.
    if let Ok(own) = read_own(FILE, text) {
        assert_eq!(read_own_one(FILE, text).is_ok(), own.len() == 1);
    }
    assert_eq!(read_generated(FILE, text).is_ok(), read_typed::<Value>(FILE, text).is_ok());
    let _ = read_typed::<Value>(FILE, text).map_err(|problem| located([&problem], text));
    for mut document in documents {
        for pointer in pointers(&document.value) {
            let location = document.location(&pointer);
            inside(&location, text);
            assert_ne!(location.line, 0, "{pointer} has no line");
        }
        if document.value.is_object() || document.value.is_array() {
            round_trip(&document.value);
        }
        if let Value::Array(items) = &document.value["items"] {
            let mut read: Vec<Value> =
                document.clone().into_items().into_iter().map(|item| item.value).collect();
            for (read, item) in read.iter_mut().zip(items) {
                // A typed list gives its items a kind and a version.
                if let (Some(read), Some(item)) = (read.as_object_mut(), item.as_object()) {
                    read.retain(|key, _| {
                        item.contains_key(key) || !["kind", "apiVersion"].contains(&key.as_str())
                    });
                    for key in ["kind", "apiVersion"] {
                        if let (Some(read), Some(item)) = (read.get_mut(key), item.get(key)) {
                            read.clone_from(item);
                        }
                    }
                }
            }
            assert_eq!(&read, items);
        }
        if document.value.is_object() && document.value.get("copy").is_none() {
            let whole = document.value.clone();
            document.copy("", "/copy");
            assert_eq!(document.value["copy"], whole);
        }
    }
}

#[derive(Arbitrary, Debug)]
struct Values {
    value: Json,
    texts: Vec<Text>,
}

/// Values that are written.
pub fn values(data: &[u8]) {
    let Ok(input) = Values::arbitrary_take_rest(Unstructured::new(data)) else { return };
    if input.value.0.is_object() || input.value.0.is_array() {
        round_trip(&input.value.0);
    }
    for Text(text) in input.texts.iter().take(8) {
        let scalar = write_scalar(text);
        assert!(!scalar.contains('\n'), "{scalar}");
        is_plain(&scalar);
        let whole = format!("a: {scalar}\nb: [{scalar}, {scalar}]\n? {scalar}\n: 1\n");
        if ["a", "b"].contains(&text.as_str()) {
            continue;
        }
        // Lists in brackets are in specs only, which kubectl does not read.
        let read = read_own_one(FILE, &whole).unwrap_or_else(|problem| panic!("{problem}\n{whole}"));
        assert_eq!(read.value, json!({"a": text, "b": [text, text], (text.as_str()): 1}), "{whole}");
        let whole = format!("a: {scalar}\nb:\n- {scalar}\n? {scalar}\n: 1\n");
        let read = read_one(FILE, &whole).unwrap_or_else(|problem| panic!("{problem}\n{whole}"));
        assert_eq!(read.value, json!({"a": text, "b": [text], (text.as_str()): 1}), "{whole}");
    }
}
