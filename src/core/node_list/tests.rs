//! Tests of reading nodes, from a stream and from memory.

use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    for read in [read_nodes("n", text.as_bytes()), read_nodes_in("n", text.as_bytes())] {
        let shown = match read {
            Ok(nodes) => nodes.iter().map(|node| node.name.to_string()).collect::<Vec<_>>().join(" "),
            Err(problem) => problem.to_string(),
        };
        assert_eq!(shown, expected);
    }
}

#[test]
fn all_input_formats() {
    check(
        r#"{"apiVersion":"v1","items":[{"kind":"Node","metadata":{"name":"a"}}],"kind":"List","metadata":{"resourceVersion":""}}"#,
        "a",
    );
    check(
        r#" {"kind":"NodeList","metadata":{},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}"#,
        "a b",
    );
    check(
        "{\"kind\":\"Node\",\"metadata\":{\"name\":\"a\"}}\n{\"kind\":\"Node\",\"metadata\":{\"name\":\"b\"}}\n",
        "a b",
    );
    check(
        "kind: Node\nmetadata: {name: a}\n---\nkind: List\nitems:\n- kind: Node\n  metadata: {name: b}\n",
        "a b",
    );
    check(r#"{"kind":"List","items":[]}"#, "");
    // `jq .items`, `jq -c '.items[]'`, and YAML whose first line is indented.
    check(r#"[{"kind":"Node","metadata":{"name":"a"}}, {"metadata":{"name":"b"}}]"#, "a b");
    check("- kind: Node\n  metadata: {name: a}\n", "a");
    check("\n  kind: Node\n  metadata:\n    name: a\n", "a");
    for text in ["{\"kind\":\"Node\",\"metadata\":{\"name\":\"é\"}}\n", "kind: Node\nmetadata: {name: é}\n"]
    {
        check(&format!("\u{feff}{text}"), "é");
        let utf16: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(&*read_nodes("n", &utf16[..]).unwrap()[0].name, "é");
        assert_eq!(&*read_nodes_in("n", &utf16).unwrap()[0].name, "é");
    }
    check(
        r#"{"apiVersion":"vlabs","properties":{"masterProfile":{"dnsPrefix":"foo_master"},"agentPoolProfiles":[{"name":"a","count":1}]}}"#,
        "k8s-master-24569115-0 k8s-a-24569115-vmss000000",
    );
}

#[test]
fn invalid_input_is_refused() {
    check("", "n: the file is empty");
    check(
        r#"{"kind":"List","items":[{"kind":"Pod","metadata":{"name":"a"}}]}"#,
        "n:1: not a list of nodes: item 1 of the list is a Pod, expected a Node",
    );
    check(r#"{"kind":"PodList","items":[]}"#, "n: the document is a PodList, expected a List of Nodes");
    check(
        "{\"kind\":\"List\",\n\"items\":[{\"kind\":\"Node\",\"meta",
        "n:2: not a list of nodes: EOF while parsing a string",
    );
    check("<html>no</html>", "n:1: the document is \"<html>no</html>\", a string, expected a list of Nodes");
    check("kind: List\n", "n: not a node: the list has no `items`");
    check(r#"{"properties":{}}"#, "n: the cluster model has no apiVersion");
    check("{}", "n: not a node: the document has no `kind`");
    check(
        "NAME   STATUS   ROLES\nk8s-a-0  Ready  agent\n",
        "n: the file is a table of nodes, expected a list of Nodes",
    );
    check("node/a\nnode/b\n", "n: the file is only the names of nodes (`-o name`), expected a list of Nodes");
    check(
        "Name:   a\nRoles:  <none>\nLabels: x=y\n",
        "n: the file is the output of `kubectl describe`, expected a list of Nodes",
    );
    check("a b c\n", "n:1: the document is \"a b c\", a string, expected a list of Nodes");
    check("\n\n{\"kind\":\"Node\"\n,}", "n:4: not a list of nodes: trailing comma");
    check(
        r#"{"kind":"List","items":[{"metadata":{"name":"a"}},{"metadata":{"name":"a"}}]}"#,
        "n: the node a is in the list twice",
    );
}

#[test]
fn concatenated_nodes_are_read_in_linear_time() {
    // With a step for each line of the earlier nodes, this would take an hour.
    let one = |index: usize| {
        let lines = "\n".repeat(20);
        format!("{{\"kind\":\"Node\",{lines}\"metadata\":{{\"name\":\"n{index}\"}}}}\n")
    };
    let text: String = (0..100_000).map(one).collect();
    for read in [read_nodes("n", text.as_bytes()), read_nodes_in("n", text.as_bytes())] {
        assert_eq!(read.unwrap().len(), 100_000);
    }
}

/// Reads JSON through a buffer of `size` bytes, or byte by byte.
fn streamed(mut text: impl Read, size: Option<usize>) -> Result<Vec<Node>, Diagnostic> {
    let mut reader = Reader::new("n");
    match size {
        None => reader.json(serde_json::Deserializer::from_reader(text), None)?,
        Some(size) => {
            let stream = Stream::new(&mut text, size);
            reader.json(serde_json::Deserializer::from_reader(&stream), Some(&stream))?;
        }
    }
    reader.nodes()
}

const LIST: &str = r#"{"kind": "List",
    "items": [
        {"metadata": {"name": "a", "labels": {"x": "}]\"\\"}},
         "status": {"images": [{}, [], "\u00e9é{"], "conditions": [{"type": "Ready", "status": "True"}]}},
        {"metadata": {"name": "b"}} , ["Node", {"name": "c"}, null, null],
        {"spec": null, "metadata": {"name": "d"}}
    ], "metadata": {}
}
[{"metadata": {"name": "e"}}]"#;

#[test]
fn items_that_are_parsed_ahead_change_no_result() {
    let check = |text: &[u8]| {
        let expected = streamed(text, None);
        for size in [1, 40, 1000] {
            let shown = String::from_utf8_lossy(text);
            assert_eq!(streamed(text, Some(size)), expected, "a buffer of {size} bytes: {shown}");
        }
    };
    check(LIST.as_bytes());
    assert_eq!(read_nodes_in("n", LIST.as_bytes()).unwrap().len(), 5);
    for index in 0..LIST.len() {
        check(&LIST.as_bytes()[..index]);
        for byte in *b"},\"\\\nx\xff" {
            let mut changed = LIST.as_bytes().to_vec();
            changed[index] = byte;
            check(&changed);
        }
    }
}

#[test]
fn items_are_parsed_ahead() {
    let mut text = LIST.as_bytes();
    let stream = Stream::new(&mut text, 1000);
    let mut reader = Reader::new("n");
    reader.json(serde_json::Deserializer::from_reader(&stream), Some(&stream)).unwrap();
    assert_eq!(stream.lines_ahead(), 1, "the lines in the first item");
}

#[test]
fn a_failed_read_is_an_error_even_if_the_next_one_succeeds() {
    struct Broken(bool);
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            if std::mem::take(&mut self.0) { Err(io::Error::other("broken cable")) } else { Ok(0) }
        }
    }
    for index in 0..LIST.len() {
        let (start, rest) = LIST.as_bytes().split_at(index);
        let text = || start.chain(Broken(true)).chain(rest);
        let expected = streamed(text(), None);
        assert!(expected.as_ref().is_err_and(|problem| problem.message.ends_with("broken cable")));
        for size in [1, 40, 1000] {
            assert_eq!(streamed(text(), Some(size)), expected, "a buffer of {size} bytes, broken at {index}");
        }
    }
}

#[test]
fn input_has_a_bound() {
    let deep = format!("{{\"kind\":\"Node\",\"spec\":{}", "[".repeat(100_000));
    check(&deep, "n:1: not a list of nodes: recursion limit exceeded");
    let wide = format!("{{\"kind\":\"Node\",\"spec\":[{}0]}}", "{},".repeat(400_000));
    check(&wide, "n:1: not a list of nodes: more than 300000 values, which is the limit");
}
