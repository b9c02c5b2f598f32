use super::*;

fn generator(values: &str) -> Generator {
    let (mut schema, brokers) = parts::join(&crate::chart::files::folder().join("schema")).unwrap();
    schema["properties"] = json!({
        "brokers": schema["properties"]["brokers"].take(),
        "tests": schema["properties"]["tests"].take(),
    });
    Generator {
        values: serde_norway::from_str(values).unwrap(),
        documented: documented::read(values).unwrap(),
        brokers,
        schema,
    }
}

fn unknown(values: &str) -> String {
    let generator = generator(values);
    let known = generator.every_value_is_known(&mut Vec::new(), &generator.values, false);
    known.map_or_else(|error| format!("{error:#}"), |()| String::new())
}

#[test]
fn a_value_needs_its_place_and_its_comment() {
    assert_eq!(unknown("tests:\n  # -- One.\n  failing: false\n"), "");
    assert_eq!(
        unknown("tests:\n  # -- One.\n  faling: false\n"),
        "`tests.faling` of values.yaml has no place in schema/"
    );
    assert_eq!(
        unknown("tests:\n  failing: false\n"),
        "`tests.failing` of values.yaml has no comment `# --`"
    );
    assert_eq!(
        unknown("brokers:\n  any:\n    # -- One.\n    type: redis\n    # -- Two.\n    hosts: a\n"),
        "`brokers.any.hosts` of values.yaml has no place in schema/"
    );
}

#[test]
fn a_part_needs_its_value() {
    let values = "tests:\n  # -- One.\n  failing: false\n";
    let error = generator(values).every_part_is_used().unwrap_err();
    assert_eq!(
        error.to_string(),
        "schema/values: `brokers` is not in values.yaml"
    );
}

#[test]
fn what_is_told_of_an_entry_is_told_of_its_type() {
    let values =
        "brokers:\n  any:\n    # -- The type.\n    type: redis\n    # -- Where.\n    host: a:1\n";
    let mut generator = generator(values);
    for entry in std::mem::take(&mut generator.documented) {
        generator.write(entry).unwrap();
    }
    let host = &generator.schema["definitions"]["redisBroker"]["properties"]["host"];
    assert_eq!(host["description"], "Where.");
    assert!(host.get("default").is_none());
    let entry = &generator.schema["properties"]["brokers"]["properties"]["any"];
    assert_eq!(entry["properties"]["host"], json!({"default": "a:1"}));
    assert_eq!(entry["allOf"], json!([{"$ref": "#/definitions/broker"}]));
}
