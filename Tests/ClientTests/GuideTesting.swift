// The code of Docs/Guides/Testing.md.

import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

struct Invitation: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "invitation", table: "invitations", keys: ["code": "{code}"])
    static let schema = Schema(
        tables: [
            TableDefinition(
                "invitations", partitionKey: "code",
                indexes: [
                    IndexDefinition(
                        "byEmail", partitionKey: ["email"], entities: ["invitation"])
                ],
                timeToLive: "expires")
        ], types: [Invitation.self])
    static let email = Field<Self, String>("email")

    var code: String
    var email: String
    var expires: EpochSeconds
}

/// Sends invitations, and accepts each once within an hour.
struct InvitationDesk: Sendable {
    var store: Store
    var now: @Sendable () -> Date = { Date() }

    func invite(_ email: String, code: String) async throws {
        let expires = EpochSeconds(now().addingTimeInterval(3600))
        try await store.insert(Invitation(code: code, email: email, expires: expires))
    }

    func accept(_ code: String) async throws -> String? {
        let lookup = Lookup<Invitation>(["code": code])
        return try await store.write { transaction -> String? in
            guard let invitation = try transaction.get(lookup) else { return nil }
            try transaction.delete(lookup)
            return invitation.email
        }
    }

    func invitations(to email: String) throws -> [Invitation] {
        try store.all(Query("byEmail", Invitation.email(email)))
    }
}

@Suite("The guide: test your program")
struct GuideTestingTests {
    @Test("An invitation is accepted once")
    func acceptance() async throws {
        let temporary = try TemporaryStore(schema: Invitation.schema)
        let desk = InvitationDesk(store: temporary.store)
        try await desk.invite("ada@example.com", code: "a1")
        #expect(try await desk.accept("a1") == "ada@example.com")
        #expect(try await desk.accept("a1") == nil)
    }

    @Test("The definitions fit the type, and each question has its answer")
    func definitions() async throws {
        let temporary = try TemporaryStore(schema: Invitation.schema)
        let desk = InvitationDesk(store: temporary.store)
        for code in ["a1", "a2"] { try await desk.invite("ada@example.com", code: code) }
        try await desk.invite("bob@example.com", code: "b1")
        #expect(try desk.invitations(to: "ada@example.com").map(\.code) == ["a1", "a2"])
        _ = try await desk.accept("a1")
        #expect(try desk.invitations(to: "ada@example.com").map(\.code) == ["a2"])
        #expect(try temporary.store.verify().isSound)
    }

    @Test("An invitation expires after an hour")
    func expiry() async throws {
        let clock = ManualClock()
        var options = StoreOptions()
        options.use(clock)
        options.sweepInterval = nil
        let temporary = try TemporaryStore(schema: Invitation.schema, options: options)
        let desk = InvitationDesk(store: temporary.store, now: { clock.now })
        try await desk.invite("ada@example.com", code: "a1")
        try await desk.invite("bob@example.com", code: "b1")
        clock.advance(by: 3599)
        #expect(try await desk.accept("a1") == "ada@example.com")
        clock.advance(by: 1)
        #expect(try await desk.accept("b1") == nil)
    }

    @Test("A commit that fails leaves no invitation")
    func failure() async throws {
        let failures = CommitFailures()
        let temporary = try TemporaryStore(schema: Invitation.schema, failures: failures)
        let desk = InvitationDesk(store: temporary.store)
        failures.failNextCommit()
        await #expect(throws: CodexError(.commitFailed, "")) {
            try await desk.invite("ada@example.com", code: "a1")
        }
        #expect(try await desk.accept("a1") == nil)
        failures.failNextCommit(with: CodexError(.diskFull, "The test's disk is full."))
        await #expect(throws: CodexError(.diskFull, "")) {
            try await desk.invite("ada@example.com", code: "a1")
        }
        try await desk.invite("ada@example.com", code: "a1")
        #expect(try await desk.accept("a1") == "ada@example.com")
    }

    @Test("Invitations survive a restart")
    func restart() async throws {
        let temporary = try TemporaryStore(schema: Invitation.schema)
        try await InvitationDesk(store: temporary.store).invite("ada@example.com", code: "a1")
        temporary.store.close()

        let reopened = try Store(at: temporary.path, schema: Invitation.schema)
        defer { reopened.close() }
        #expect(try await InvitationDesk(store: reopened).accept("a1") == "ada@example.com")
        #expect(try reopened.verify().isSound)
    }

    @Test("An invitation that is taken is refused, and the others stay")
    func refusal() async throws {
        let temporary = try TemporaryStore(schema: Invitation.schema)
        let desk = InvitationDesk(store: temporary.store)
        try await desk.invite("ada@example.com", code: "a1")
        do {
            try await desk.invite("bob@example.com", code: "a1")
            Issue.record("The code was given twice.")
        } catch let error as CodexError {
            #expect(error.code == .conditionFailed)
            #expect(error.currentItem?["email"] == "ada@example.com")
        }
    }
}
