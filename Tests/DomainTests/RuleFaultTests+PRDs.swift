import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// PRDs: objections, authors, hashes, archived heads.
extension RuleFaultTests {
    private static let content = CodexFlow.PRD.Content(
        overview: "o",
        userStories: [.init(id: "1", description: "d", acceptanceCriteria: ["c"])])

    /// A fixture with a draft of mia's.
    private func drafted(_ place: Place) async throws -> Fixture {
        let fixture = try await Fixture(place)
        try await fixture.workspace.createPRD(
            in: "p", title: "T", content: Self.content, by: "mia", id: "d")
        return fixture
    }

    private func submit(_ version: Int, _ fixture: Fixture) async throws {
        try await fixture.workspace.submitPRD("d", version: version, in: "p", by: "mia")
    }

    @discardableResult
    private func review(
        _ decision: CodexFlow.PRDReview.Decision, _ version: Int, by user: CodexFlow.User.ID,
        _ fixture: Fixture
    ) async throws -> CodexFlow.PRD.ApprovalStatus? {
        let prd = try #require(try fixture.store.get(.prd("d", version: version, in: "p")))
        return try await fixture.workspace.reviewPRD(
            "d", version: version, contentHash: try prd.makeContentHash(), in: "p", by: user,
            decision: decision
        ).approvalStatus
    }

    @Test("The same bytes, submitted again, keep an objection open", arguments: Place.allCases)
    func objections(place: Place) async throws {
        let fixture = try await drafted(place)
        try await submit(1, fixture)
        #expect(try await review(.requestChanges, 1, by: "max", fixture) == .draft)
        try await submit(1, fixture)
        #expect(try await review(.approve, 1, by: "adam", fixture) == .inReview)
        // A second objection does not remove the first one.
        #expect(try await review(.requestChanges, 1, by: "olga", fixture) == .draft)
        try await submit(1, fixture)
        #expect(try await review(.approve, 1, by: "olga", fixture) == .inReview)
        #expect(try await fixture.workspace.approvedPRD("d", in: "p") == nil)
        #expect(try await review(.approve, 1, by: "max", fixture) == .approved)
    }

    @Test(
        "Another version of the same bytes keeps an objection open; other bytes close it",
        arguments: Place.allCases, [CodexFlow.PRDReview.Decision.requestChanges, .reject])
    func objectionsToVersions(
        place: Place, objection: CodexFlow.PRDReview.Decision
    ) async throws {
        let fixture = try await drafted(place)
        let workspace = fixture.workspace
        try await submit(1, fixture)
        try await review(objection, 1, by: "max", fixture)
        try await workspace.addPRDVersion(of: "d", in: "p", basedOn: 1, by: "mia") { _ in }
        try await submit(2, fixture)
        #expect(try await review(.approve, 2, by: "adam", fixture) == .inReview)
        try await workspace.addPRDVersion(of: "d", in: "p", basedOn: 2, by: "mia") {
            $0.risks = ["late"]
        }
        try await submit(3, fixture)
        #expect(try await review(.approve, 3, by: "adam", fixture) == .approved)
    }

    @Test("An author's approval of an own version is refused", arguments: Place.allCases)
    func authors(place: Place) async throws {
        let fixture = try await drafted(place)
        try await submit(1, fixture)
        try await fixture.expect(.prdReviewer, "actor") {
            try await review(.approve, 1, by: "mia", fixture)
        }
        // An author may take the version back, and the own objection does not stay.
        #expect(try await review(.requestChanges, 1, by: "mia", fixture) == .draft)
        try await submit(1, fixture)
        #expect(try await review(.approve, 1, by: "max", fixture) == .approved)
    }

    @Test("An archived newest version is no base of another one", arguments: Place.allCases)
    func archivedHeads(place: Place) async throws {
        let fixture = try await drafted(place)
        let workspace = fixture.workspace
        try await workspace.archivePRD("d", version: 1, in: "p", by: "adam")
        try await fixture.expect(.prdStatus, "basedOn") {
            try await workspace.addPRDVersion(of: "d", in: "p", basedOn: 1, by: "mia") { _ in }
        }
    }

    // MARK: Hashes

    @Test("A typed write takes the hash of the content, or none")
    func hashes() async throws {
        let fixture = try await Fixture()
        let store = fixture.store
        var prd = CodexFlow.PRD(
            id: "raw", projectID: "p", version: 1, title: "T", content: Self.content)
        try await store.put(prd)
        prd.contentHash = try prd.makeContentHash()
        try await store.put(prd)
        let changes: [@Sendable (inout CodexFlow.PRD) -> Void] = [
            { $0.title = "U" }, { $0.content?.overview = "p" }, { $0.nonGoals = ["n"] },
            { $0.risks = ["r"] }, { $0.openQuestions = ["q"] }, { $0.contentHash = "" },
        ]
        for change in changes {
            try await fixture.expect(.prdHash, "contentHash") {
                try await store.update(.prd("raw", version: 1, in: "p"), change)
            }
        }
        // What no approval is about is no part of it.
        try await store.update(.prd("raw", version: 1, in: "p")) { $0.summary = "s" }
    }

    /// Changes the content of the draft in the store, without its hash.
    private func tamper(_ fixture: Fixture) async throws {
        let key = PrimaryKey("PROJECT#p", "PRD#d#V#0000000001")
        var item = try #require(try fixture.store.item(in: CodexFlow.table, key: key))
        item["title"] = "another one"
        try await fixture.store.put(item, in: CodexFlow.table)
    }

    @Test("A review is of the content that is stored, whatever its hash", arguments: Place.allCases)
    func tamperedReviews(place: Place) async throws {
        let fixture = try await drafted(place)
        let known = try #require(try fixture.store.get(.prd("d", version: 1, in: "p")))
        try await submit(1, fixture)
        try await tamper(fixture)
        try await fixture.expect(.prdReview, "contentHash") {
            try await fixture.workspace.reviewPRD(
                "d", version: 1, contentHash: try #require(known.contentHash), in: "p", by: "max",
                decision: .approve)
        }
        #expect(try await review(.approve, 1, by: "max", fixture) == .approved)
        let approved = try #require(try fixture.store.get(.prd("d", version: 1, in: "p")))
        #expect(try approved.contentHash == approved.makeContentHash())
    }

    @Test(
        "A version that was stored with another hash is superseded and archived",
        arguments: Place.allCases)
    func tamperedVersions(place: Place) async throws {
        let fixture = try await drafted(place)
        let workspace = fixture.workspace
        try await tamper(fixture)
        let second = try await workspace.addPRDVersion(of: "d", in: "p", basedOn: 1, by: "mia") {
            $0.risks = ["r"]
        }
        #expect(second.contentHash == (try second.makeContentHash()))
        try await workspace.archivePRD("d", version: 1, in: "p", by: "adam")
        let first = try #require(try fixture.store.get(.prd("d", version: 1, in: "p")))
        #expect(first.approvalStatus == .archived)
        #expect(try first.contentHash != first.makeContentHash())
    }
}
