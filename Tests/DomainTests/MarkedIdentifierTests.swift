import Codex
import CodexCore
import CodexTesting
import Testing

/// Identifiers that begin with a combining mark, which is one character with the text before it.
@Suite("Identifiers that begin with a mark")
struct MarkedIdentifierTests {
    @Test(
        "A claim of such a user is the user's", arguments: Place.allCases,
        ["\u{301}bot", "\u{301}", "\u{200D}bot", "bot"])
    func claims(place: Place, name: String) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        let user = try CodexFlow.User.ID(name)
        try await workspace.createUser(email: "m@example.com", name: "M", id: user)
        try await workspace.addMember(user, to: "p", by: "olga")
        try await fixture.task("a") { ($0.status, $0.assigneeID) = (.todo, user) }
        let claimed = try await workspace.claimNext(in: "p", by: user, lease: .seconds(60))
        let token = try #require(claimed?.claim?.token)
        let stored = try #require(try fixture.store.get(.task("a", in: "p")))
        #expect(stored.claim?.holder == user && stored.assigneeID == user)
        #expect(stored.updatedByID == user)
        try await workspace.moveTask("a", in: "p", to: .inProgress, by: user, holding: token)
        try await workspace.completeTask("a", in: "p", by: user, holding: token)
        #expect(try fixture.store.all(.openTasks(assignedTo: user)).isEmpty)
    }
}
