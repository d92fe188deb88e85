import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Events of changes that no store reports, as a function behind DynamoDB Streams has them.
@Suite("Events of a remote table's changes")
struct EventChangeTests {
    private typealias Change = CodexFlow.Event.Change

    /// It stays open while a test decodes its changes.
    private let fixture: Fixture

    init() async throws { fixture = try await Fixture() }

    /// Changes of many models.
    private func changes() async throws -> [ChangeRecord] {
        let workspace = fixture.workspace
        try await fixture.task("a") { ($0.assigneeID, $0.status) = ("max", .todo) }
        try await fixture.task("b") { $0.status = .todo }
        try await workspace.addDependency(of: "a", on: "b", in: "p", by: "mia")
        try await workspace.removeDependency(of: "a", on: "b", in: "p", by: "adam")
        try await workspace.addComment(on: "a", in: "p", by: "mia", "So")
        try await workspace.logWork(2, on: "a", in: "p", by: "mia")
        try await workspace.moveTask("a", in: "p", to: .inProgress, by: "max")
        try await workspace.archiveTask("b", in: "p", by: "mia")
        try await workspace.removeMember("vera", from: "p", by: "olga")
        return try fixture.store.retainedChanges(after: .trimHorizon)
    }

    /// The JSON of a change's record in DynamoDB Streams.
    private func record(
        _ change: ChangeRecord, without image: String = "", more: String = ""
    ) throws -> [UInt8] {
        var members = [
            #""ApproximateCreationDateTime":\#(change.time.timeIntervalSince1970)"#,
            #""SequenceNumber":"\#(change.sequenceNumber)""#,
        ]
        for (name, item) in [
            ("OldImage", try change.oldImage), ("NewImage", try change.newImage),
        ] where name != image {
            if let item { members.append(#""\#(name)":\#(DynamoDBJSON.text(item))"#) }
        }
        let dynamodb = members.joined(separator: ",")
        let json = #"{"eventName":"\#(change.kind.rawValue)","dynamodb":{\#(dynamodb)}\#(more)}"#
        return Array(json.utf8)
    }

    @Test("A change has the events that the store's change has")
    func sameAsStore() async throws {
        var kinds: Set<CodexFlow.Event.Kind> = []
        for change in try await changes() {
            let derived = try CodexFlow.Event.events(
                of: Change(
                    old: try change.oldImage, new: try change.newImage, time: change.time,
                    origin: change.storeIdentifier, sequence: change.sequenceNumber.description,
                    isExpiry: change.isExpiry))
            #expect(try derived == change.events)
            kinds.formUnion(derived.map(\.kind))
        }
        #expect(
            kinds.isSuperset(of: [
                .userCreated, .projectCreated, .memberAdded, .memberRemoved, .taskCreated,
                .taskAssigned, .taskBlocked, .taskUnblocked, .taskCommented, .workLogged,
                .taskStarted, .taskArchived,
            ]))
    }

    @Test("A record of a stream has the same events, each time with the same identifiers")
    func records() async throws {
        var identifiers: Set<String> = []
        var count = 0
        for change in try await changes() {
            let json = try record(change, more: #","eventSourceARN":"arn:stream""#)
            let read = try Change(streamRecord: json)
            #expect(read.origin == "arn:stream" && !read.isExpiry)
            #expect(abs(read.time.timeIntervalSince(change.time)) < 0.002)
            let derived = try CodexFlow.Event.events(of: read)
            #expect(try CodexFlow.Event.events(of: Change(streamRecord: json)) == derived)
            #expect(try derived.map(\.detail) == change.events.map(\.detail))
            identifiers.formUnion(derived.map(\.id))
            count += derived.count
            // Another stream has other identifiers.
            let other = try Change(streamRecord: try record(change), origin: "arn:other")
            #expect(identifiers.isDisjoint(with: try CodexFlow.Event.events(of: other).map(\.id)))
        }
        #expect(identifiers.count == count && count > 20)
    }

    @Test("Events name who made the change, where an item says it")
    func actors() async throws {
        let events = try await changes().flatMap { try $0.events }
        func actors(_ kind: CodexFlow.Event.Kind) -> Set<String> {
            Set(events.filter { $0.kind == kind }.map { $0.actorID?.rawValue ?? "-" })
        }
        #expect(actors(.taskCreated) == ["mia"] && actors(.taskStarted) == ["max"])
        #expect(actors(.taskCommented) == ["mia"])
        #expect(actors(.taskUnblocked) == ["adam"])
    }

    @Test("A deletion by the time to live is told from others by who deleted the item")
    func expiry() async throws {
        _ = try await fixture.workspace.openSession(for: "mia")
        try await fixture.workspace.suspendUser("mia")
        let all = try fixture.store.retainedChanges(after: .trimHorizon)
        let ended = try #require(try all.first { try $0.events.map(\.kind) == [.sessionEnded] })
        for (identity, isExpiry) in [
            (#""type":"Service","principalId":"dynamodb.amazonaws.com""#, true),
            (#""Type":"Service","PrincipalId":"dynamodb.amazonaws.com""#, true),
            (#""type":"Service","principalId":"other""#, false),
        ] {
            let json = try record(ended, more: #","userIdentity":{\#(identity)}"#)
            let event = try CodexFlow.Event.events(of: Change(streamRecord: json)).first
            #expect(event?.detail["expired"] == .bool(isExpiry), "\(identity)")
        }
    }

    @Test("A record with an encrypted value has no events without the key")
    func encrypted() async throws {
        let all = try await changes()
        let tasks = try all.filter { try $0.events.contains { $0.kind == .taskStarted } }
        let changed = try #require(tasks.first)
        let sealed = AttributeValue.binary([0x9E, 0x43, 0x44, 0x58, 2, 9, 9])
        let whole = try Change(streamRecord: try record(changed))
        for name in ["title", "priority"] {
            var (old, new) = (whole, whole)
            old.old?[name] = sealed
            new.new?[name] = sealed
            for change in [old, new] {
                #expect(throws: CodexError(.keyUnavailable, "")) {
                    try CodexFlow.Event.events(of: change)
                }
            }
        }
        // The type does not know this attribute, which may be plain data.
        var other = whole
        other.new?["own"] = sealed
        #expect(try CodexFlow.Event.events(of: other).map(\.kind).contains(.taskStarted))
    }

    @Test("A record without the images of its kind is refused")
    func images() async throws {
        let all = try await changes()
        let changed = try #require(all.first { $0.kind == .modify })
        for name in ["OldImage", "NewImage"] {
            #expect(throws: CodexError(.invalidArgument, "")) {
                try Change(streamRecord: try record(changed, without: name))
            }
        }
        let created = try #require(all.first { $0.kind == .insert })
        #expect(throws: CodexError(.invalidArgument, "")) {
            try Change(streamRecord: try record(created, without: "NewImage"))
        }
    }

    @Test(
        "What is no record is refused",
        arguments: [
            "", "[]", "{}", #"{"eventName":"INSERT"}"#, #"{"eventName":1,"dynamodb":{}}"#,
            #"{"eventName":"INSERT","dynamodb":{"SequenceNumber":"1"}}"#,
            #"{"eventName":"OTHER","dynamodb":{"SequenceNumber":"1","#
                + #""ApproximateCreationDateTime":1}}"#,
            #"{"eventName":"INSERT","dynamodb":{"SequenceNumber":"1","#
                + #""ApproximateCreationDateTime":1,"NewImage":{"PK":"x"}}}"#,
        ])
    func malformed(json: String) {
        #expect(throws: CodexError(.invalidJSON, "")) {
            try Change(streamRecord: Array(json.utf8))
        }
    }

    @Test("A time far away and items of no model cause nothing")
    func others() throws {
        let json =
            #"{"eventName":"INSERT","dynamodb":{"SequenceNumber":"1","#
            + #""ApproximateCreationDateTime":1e40,"NewImage":{"PK":{"S":"x"},"SK":{"S":"y"}}}}"#
        let change = try Change(streamRecord: Array(json.utf8))
        #expect(try CodexFlow.Event.events(of: change).isEmpty)
        let none = Change(old: nil, new: nil, time: .now, origin: "", sequence: "")
        #expect(try CodexFlow.Event.events(of: none).isEmpty)
        let keyless = Change(old: nil, new: ["a": 1], time: .now, origin: "", sequence: "")
        #expect(throws: CodexError(.invalidKey, "")) { try CodexFlow.Event.events(of: keyless) }
    }
}
