internal import CodexCore
internal import CodexWorkspace

extension FuzzTarget {
    /// Event patterns: parsed and matched against an event that the input has too.
    static let eventPatterns = FuzzTarget(
        "event-patterns",
        words: [
            "\"prefix\":", "\"suffix\":", "\"equals-ignore-case\":", "\"wildcard\":",
            "\"anything-but\":", "\"numeric\":", "\"exists\":", "\"cidr\":", "\"exactly\":",
            "\"$or\":", "[\">\",", "\"<=\"", "10.0.0.0/8", "2001:db8::/32", "\"detail\":",
            "\"detail-type\":", "\"source\":", "true", "false", "null", "*", "[{",
        ],
        seeds: EventPatternFuzzing.seeds, check: EventPatternFuzzing.check)
}

private enum EventPatternFuzzing {
    private static let event = CodexFlow.Event(
        id: "e1", kind: .taskStatusChanged,
        time: SampleTime.date,
        detail: [
            "taskId": "t1", "number": 12, "status": "inProgress", "labels": ["a", "Bug"],
            "hours": 2, "assignee": .null, "archived": false,
        ])

    static func seeds() -> [[UInt8]] {
        let patterns = [
            #"{"source":["codexflow.tasks"],"detail":{"status":[{"anything-but":"backlog"}]}}"#,
            #"{"detail":{"number":[{"numeric":[">",10,"<=",12.5]}],"assignee":[{"exists":true}]}}"#,
            #"{"$or":[{"id":["e1"]},{"detail":{"labels":[{"equals-ignore-case":"bug"}]}}]}"#,
            #"{"detail":{"status":[{"prefix":"in"},{"suffix":{"equals-ignore-case":"GRESS"}}]}}"#,
            #"{"detail":{"taskId":[{"wildcard":"t*1\\*"},"t1",null,true,1.0]}}"#,
            #"{"detail":{"labels":[{"anything-but":{"wildcard":"*x*"}}]}}"#,
            #"{"detail":{"labels":[{"anything-but":{"prefix":["a"]}}],"x":[{"exists":false}]}}"#,
            #"{"id":[{"cidr":"2001:db8::/32"},"10.0.0.1",{"exactly":"e1"}],"account":[""]}"#,
            #"{"$or":["x",{"exists":false}],"detail":{"number":[5e2,{"numeric":["<",99]}]}}"#,
            #"{"detail":{"number":[{"anything-but":[1,2]}],"$or":[{"taskId":["t1"]},{"x":[1]}]}}"#,
        ]
        return patterns.map { Array($0.utf8) + [0] + Array(event.json.utf8) }
    }

    static func check(_ bytes: [UInt8]) {
        let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        let texts = parts.map { String(decoding: $0, as: UTF8.self) }
        let pattern = try? CodexFlow.EventPattern(texts[0])
        if let pattern {
            let matches = pattern.matches(event)
            require(
                pattern.matches(envelope: event.envelope) == matches, "an event is its envelope")
        }
        guard texts.count == 2 else { return }
        checkEvent(texts[1])
        let json = Array(texts[1].utf8)
        guard let envelope = try? DynamoDBJSON.item(parsingPlain: json) else { return }
        if let pattern {
            let matches = pattern.matches(envelope: envelope)
            require(pattern.matches(envelope: envelope) == matches, "an event matches or does not")
            checkNested(texts[0], envelope, matches)
        }
        require(CodexFlow.EventPattern.all.matches(envelope: envelope), "all events are wanted")
        for element in envelope.elements { checkField(element, envelope) }
    }

    /// A pattern of a field matches a list of one event, or of that event twice, as it matches the
    /// event.
    private static func checkNested(_ text: String, _ envelope: AttributeMap, _ matches: Bool) {
        guard let nested = try? CodexFlow.EventPattern("{\"field\":\(text)}") else { return }
        let event = AttributeValue.map(envelope)
        let values: [AttributeValue] = [event, [event], [[event]], [1, event, event]]
        for value in values {
            require(
                nested.matches(envelope: ["field": value]) == matches,
                "a list of an event is the event")
        }
    }

    /// An event that is read is written and read as the same.
    private static func checkEvent(_ text: String) {
        guard let event = try? CodexFlow.Event(json: text) else { return }
        let json = event.json
        let again = mustSucceed("a written event is read") { try CodexFlow.Event(json: json) }
        require(again.json == json, "an event is written as it is read")
    }

    /// A pattern of a field's own value matches; one of its absence does not.
    private static func checkField(_ element: AttributeMap.Element, _ envelope: AttributeMap) {
        switch element.value {
        case .string, .number, .bool, .null: break
        default: return
        }
        let value = DynamoDBJSON.plainText([element.name: .list([element.value])])
        guard let pattern = try? CodexFlow.EventPattern(value) else { return }
        require(pattern.matches(envelope: envelope), "\(value) matches its own event")
        let absence = DynamoDBJSON.plainText([element.name: .list([.map(["exists": false])])])
        guard let other = try? CodexFlow.EventPattern(absence) else { return }
        require(!other.matches(envelope: envelope), "\(absence) does not match")
    }
}
