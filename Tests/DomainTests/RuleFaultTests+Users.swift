import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Sessions that end, and events of users.
extension RuleFaultTests {
    private typealias Change = @Sendable (inout CodexFlow.User) -> Void

    @Test(
        "Sessions end with a change of address or role, and with no other",
        arguments: Place.allCases)
    func endedSessions(place: Place) async throws {
        let changes: [(isEnd: Bool, Change)] = [
            (true, { $0.email = "new@example.com" }), (true, { $0.role = .admin }),
            // Another spelling may be another mailbox.
            (true, { $0.email = "MAX@example.com" }),
            (false, { $0.name = "Maximilian" }), (false, { $0.timeZone = "Europe/Berlin" }),
            (false, { $0.email = "\tmax@example.com " }),
        ]
        for (isEnd, change) in changes {
            let fixture = try await Fixture(place)
            let workspace = fixture.workspace
            let tokens = [
                try await workspace.openSession(for: "max").token,
                try await workspace.openSession(for: "max", kind: .agent).token,
            ]
            let other = try await workspace.openSession(for: "mia").token
            try await workspace.changeUser("max", change)
            for token in tokens {
                let session = try await workspace.session(token: token)
                #expect((session == nil) == isEnd)
            }
            #expect(try await workspace.session(token: other) != nil)
        }
    }

    @Test("A session that is opened while the role changes is of the new role, or ended")
    func sessionRace() async throws {
        let fixture = try await Fixture(.table)
        let store = fixture.store
        let overtaken = CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(
                RemoteTable(
                    store,
                    overtakenBy: { [workspace = fixture.workspace] in
                        _ = try await workspace.openSession(for: "max")
                    })), clock: { [clock = fixture.clock] in clock.now },
            calendar: SystemCalendar())
        try await overtaken.changeUser("max") { $0.role = .viewer }
        #expect(try store.all(.sessions(of: "max")).isEmpty)
    }

    @Test("The suspension of an invited user is an event, and so is that of an active one")
    func suspensions() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await workspace.createUser(
            email: "ida@example.com", name: "Ida", id: "ida", state: .invited)
        func expect(
            _ kinds: [CodexFlow.Event.Kind], _ command: () async throws -> Void
        ) async throws {
            let start = try store.read { try $0.sequenceNumber }
            try await command()
            let found = try store.retainedChanges(after: .sequenceNumber(start)).flatMap {
                try $0.events
            }
            #expect(found.map(\.kind) == kinds)
        }
        try await expect([.userSuspended]) { try await workspace.suspendUser("ida") }
        try await expect([]) { try await workspace.suspendUser("ida") }
        try await expect([.userActivated]) { try await workspace.activateUser("ida") }
        // A user who is stored as invited again is updated.
        try await expect([.userUpdated]) {
            try await store.update(.user("ida")) { $0.state = .invited }
        }
        try await expect([.userActivated]) { try await workspace.activateUser("ida") }
        // A user who was imported without a state is active already.
        try await expect([]) { try await store.update(.user("ida")) { $0.state = nil } }
    }
}
