import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import Testing

/// Sessions that are opened and revoked under idempotency keys.
@Suite("Sessions and idempotency keys")
struct SessionKeyTests {
    private static let key = "0d9f4a52-6d0a-4b7e-9a51-6a3c1f1c7a10"

    /// A token in the alphabet in which stored bytes are printed.
    private static func printed(_ token: String) -> String {
        token.replacing("-", with: "+").replacing("_", with: "/") + "="
    }

    /// The record of the key.
    private func record(_ fixture: Fixture) throws -> CodexFlow.CommandRecord {
        try #require(try fixture.store.get(.commandRecord(SHA256.hexadecimal(Self.key))))
    }

    /// The mask of a token: its bytes, and those that are stored.
    private func mask(_ fixture: Fixture, _ token: String) throws -> [UInt8] {
        let bytes = try #require(Data(base64Encoded: Self.printed(token)))
        guard case .binary(let stored)? = try record(fixture).result?.map?["token"] else {
            throw CodexError(.corrupted, "The record has no token.")
        }
        #expect(bytes.count == 32 && stored.count == 32)
        return zip(bytes, stored).map { $0 ^ $1 }
    }

    @Test(
        "A session that is opened again with its key has the same token",
        arguments: Place.allCases)
    func repetition(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace.idempotent(Self.key)
        func open(_ client: String?) async throws -> CodexFlow.Workspace.OpenedSession {
            // The end is stored in whole seconds.
            try await workspace.openSession(
                for: "mia", client: client, lifetime: .milliseconds(90_500))
        }
        let first = try await open("cli")
        let contents = try fixture.contents
        fixture.clock.advance(by: 1)
        let again = try await open("cli")
        #expect(again.token == first.token && again.session == first.session)
        #expect(try fixture.contents == contents)
        #expect(try fixture.store.all(.sessions(of: "mia")) == [first.session])
        #expect(try await fixture.workspace.session(token: again.token) == first.session)
        await #expect(throws: CodexError(.idempotencyMismatch, "")) { _ = try await open(nil) }
        // The first result stays, although the session ends.
        try await fixture.workspace.revokeSession(token: first.token)
        #expect(try await open("cli").token == first.token)
        #expect(try await fixture.workspace.session(token: first.token) == nil)
    }

    @Test("The store has neither the token nor the key", arguments: Place.allCases)
    func secrecy(place: Place) async throws {
        let fixture = try await Fixture(place)
        let opened = try await fixture.workspace.idempotent(Self.key).openSession(for: "mia")
        let printed = Self.printed(opened.token)
        #expect(printed.utf8.count == 44)
        let texts = try fixture.contents.map { DynamoDBJSON.text($0) }
        #expect(texts.contains { $0.contains("openSession") })
        for text in texts {
            #expect(!text.contains(opened.token) && !text.contains(printed))
            #expect(!text.contains(Self.key))
        }
    }

    @Test("A key that is used again after its retention masks the next token in another way")
    func retention() async throws {
        let fixture = try await Fixture()
        let workspace = fixture.workspace.idempotent(Self.key)
        let first = try await workspace.openSession(for: "mia")
        let mask = try mask(fixture, first.token)
        fixture.clock.advance(by: Double(CodexFlow.Limits.idempotencySeconds))
        let second = try await workspace.openSession(for: "mia")
        #expect(second.token != first.token)
        #expect(try self.mask(fixture, second.token) != mask)
    }

    @Test("A stored result that was changed gives no token")
    func damaged() async throws {
        let fixture = try await Fixture()
        let workspace = fixture.workspace.idempotent(Self.key)
        _ = try await workspace.openSession(for: "mia")
        var record = try record(fixture)
        var result = try #require(record.result?.map)
        result["token"] = .binary([UInt8](repeating: 0, count: 32))
        record.result = .map(result)
        try await fixture.store.put(record)
        await #expect(throws: CodexError(.corrupted, "")) {
            _ = try await workspace.openSession(for: "mia")
        }
    }

    @Test("The key of a session has 16 to 256 bytes", arguments: [0, 1, 15, 16, 17, 256, 257])
    func lengths(count: Int) async throws {
        let fixture = try await Fixture()
        let workspace = fixture.workspace.idempotent(String(repeating: "k", count: count))
        if (16...256).contains(count) {
            let opened = try await workspace.openSession(for: "mia")
            #expect(try await fixture.workspace.session(token: opened.token) != nil)
        } else {
            await #expect(throws: CodexError(.invalidArgument, "")) {
                _ = try await workspace.openSession(for: "mia")
            }
            #expect(try fixture.store.all(.sessions(of: "mia")).isEmpty)
        }
    }

    @Test("Of two that open a session at once with one key, both get the one token")
    func raced() async throws {
        let fixture = try await Fixture(.table)
        let (clock, workspace) = (fixture.clock, fixture.workspace)
        let first = Mutex<String?>(nil)
        let slow = CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(
                RemoteTable(fixture.store) {
                    let opened = try await workspace.idempotent(Self.key).openSession(for: "mia")
                    first.withLock { $0 = opened.token }
                }), clock: { clock.now }, calendar: SystemCalendar())
        let second = try await slow.idempotent(Self.key).openSession(for: "mia")
        #expect(first.withLock { $0 } == second.token)
        #expect(try fixture.store.all(.sessions(of: "mia")) == [second.session])
    }

    @Test(
        "A revocation that is sent again ends no session that was opened since",
        arguments: Place.allCases)
    func revocations(place: Place) async throws {
        let fixture = try await Fixture(place)
        _ = try await fixture.workspace.openSession(for: "mia")
        let all = fixture.workspace.idempotent("all of them")
        #expect(try await all.revokeSessions(of: "mia") == 1)
        let opened = try await fixture.workspace.openSession(for: "mia")
        #expect(try await all.revokeSessions(of: "mia") == 1)
        #expect(try await fixture.workspace.session(token: opened.token) != nil)
        let one = fixture.workspace.idempotent("one of them")
        for _ in 0..<2 { try await one.revokeSession(token: opened.token) }
        #expect(try await fixture.workspace.session(token: opened.token) == nil)
        await #expect(throws: CodexError(.idempotencyMismatch, "")) {
            try await one.revokeSession(token: "another")
        }
    }

    @Test("A workspace with a key stores the last use of a session")
    func lastUse() async throws {
        let fixture = try await Fixture()
        let token = try await fixture.workspace.openSession(for: "mia").token
        fixture.clock.advance(by: 300)
        let session = try await fixture.workspace.idempotent("key").session(token: token)
        #expect(session?.lastSeenAt == fixture.clock.now)
    }
}
