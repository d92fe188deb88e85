import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

@testable import CodexWorkspace

/// PRDs: versions, reviews bound to them, and the tasks of their stories.
extension ServiceTests {
    private func content(stories: String...) -> CodexFlow.PRD.Content {
        var content = CodexFlow.PRD.Content(overview: "What it is")
        content.userStories = stories.map {
            .init(id: $0, description: "As a user…", acceptanceCriteria: ["works"])
        }
        return content
    }

    /// Version 1 of a PRD of mia's, which max approved.
    private func approvedPRD(
        _ fixture: Fixture, _ content: CodexFlow.PRD.Content
    ) async throws -> CodexFlow.PRD {
        let workspace = fixture.workspace
        let prd = try await workspace.createPRD(
            in: "p", title: "MVP", content: content, by: "mia", id: "d")
        try await workspace.submitPRD("d", version: 1, in: "p", by: "mia")
        return try await workspace.reviewPRD(
            "d", version: 1, contentHash: try #require(prd.contentHash), in: "p", by: "max",
            decision: .approve)
    }

    @Test(
        "A version is based on the newest, which it replaces if that is a draft",
        arguments: Place.everywhere)
    func prdVersions(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        let first = try await workspace.createPRD(
            in: "p", title: "MVP", content: content(), by: "mia", id: "d", isAIGenerated: true)
        #expect(first.version == 1 && first.approvalStatus == .draft)
        try await fixture.expect(.prdStories) {
            try await workspace.submitPRD("d", version: 1, in: "p", by: "mia")
        }
        let full = content(stories: "US-1")
        let second = try await workspace.addPRDVersion(of: "d", in: "p", basedOn: 1, by: "mia") {
            $0.content = full
        }
        #expect(second.version == 2 && second.parentVersion == 1)
        #expect(second.contentHash != first.contentHash)
        #expect(try store.get(.prd("d", version: 1, in: "p"))?.approvalStatus == .superseded)
        try await fixture.expect(.prdStale) {
            try await workspace.addPRDVersion(of: "d", in: "p", basedOn: 1, by: "max") { _ in }
        }
        try await fixture.expect(.prdStale) {
            try await workspace.submitPRD("d", version: 1, in: "p", by: "mia")
        }
    }

    @Test("A review is of one content, and no author approves", arguments: Place.everywhere)
    func prdReviews(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        let prd = try await workspace.createPRD(
            in: "p", title: "MVP", content: content(stories: "US-1"), by: "mia", id: "d")
        let hash = try #require(prd.contentHash)
        func review(
            _ decision: CodexFlow.PRDReview.Decision, by user: String, _ hash: String
        ) async throws -> CodexFlow.PRD.ApprovalStatus? {
            try await workspace.reviewPRD(
                "d", version: 1, contentHash: hash, in: "p", by: try .init(user),
                decision: decision
            ).approvalStatus
        }
        try await fixture.expect(.prdStatus) { _ = try await review(.approve, by: "max", hash) }
        try await workspace.submitPRD("d", version: 1, in: "p", by: "mia")
        try await fixture.expect(.prdReview) { _ = try await review(.approve, by: "max", "other") }
        try await fixture.expect(.prdReviewer) { _ = try await review(.approve, by: "mia", hash) }
        #expect(try await review(.requestChanges, by: "max", hash) == .draft)
        try await workspace.submitPRD("d", version: 1, in: "p", by: "mia")
        #expect(try await review(.approve, by: "max", hash) == .approved)
        #expect(try await workspace.approvedPRD("d", in: "p")?.version == 1)
        // What was approved before changes were requested does not count.
        #expect(try fixture.store.all(.reviews(of: "d", in: "p")).count == 1)
    }

    @Test(
        "The approved version serves until the next is; approvals do not carry over",
        arguments: Place.everywhere)
    func prdSuccessors(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        let first = try await approvedPRD(fixture, content(stories: "US-1"))
        let second = try await workspace.addPRDVersion(
            of: "d", in: "p", basedOn: 1, by: "max", summary: "more"
        ) {
            $0.title = "MVP 2"
            $0.content?.userStories.append(
                .init(id: "US-2", description: "More", acceptanceCriteria: ["works too"]))
        }
        #expect(second.approvalStatus == .draft)
        #expect(try await workspace.approvedPRD("d", in: "p")?.version == 1)
        #expect(try await workspace.latestPRD("d", in: "p")?.version == 2)
        let difference = CodexFlow.PRDDifference(from: first, to: second)
        #expect(difference.title?.to == "MVP 2" && difference.lists.isEmpty)
        #expect(difference.stories.count == 1)
        try await workspace.submitPRD("d", version: 2, in: "p", by: "max")
        #expect(try store.all(.prds(in: "p", approvalStatus: .inReview)).map(\.version) == [2])
        let last = try await workspace.reviewPRD(
            "d", version: 2, contentHash: try #require(second.contentHash), in: "p", by: "mia",
            decision: .approve)
        #expect(last.approvalStatus == .approved)
        #expect(try store.get(.prd("d", version: 1, in: "p"))?.approvalStatus == .superseded)
        #expect(try store.all(.versions(of: "d", in: "p")).map(\.version) == [1, 2])
        #expect(try store.all(.reviews(of: "d", in: "p")).count == 2)
    }

    @Test("A task's story is one of the version that it names", arguments: Place.everywhere)
    func stories(place: Place) async throws {
        let fixture = try await Fixture(place)
        _ = try await approvedPRD(fixture, content(stories: "US-1", "US-2"))
        for (version, story) in [(1, "US-3"), (2, "US-1")] {
            try await fixture.expect(.taskStory, "origin") {
                try await fixture.task("t") {
                    $0.origin = .prd(id: "d", version: version, storyID: story)
                }
            }
        }
        try await fixture.task("t") { $0.origin = .prd(id: "d", version: 1, storyID: "US-2") }
        let tasks = try fixture.store.all(.tasks(ofStory: "US-2", of: "d", in: "p"))
        #expect(tasks.map(\.id) == ["t"])
    }

    @Test("A version that is archived serves no longer", arguments: Place.everywhere)
    func archivedPRDs(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        _ = try await approvedPRD(fixture, content(stories: "US-1"))
        try await workspace.archivePRD("d", version: 1, in: "p", by: "adam")
        #expect(try await workspace.approvedPRD("d", in: "p") == nil)
        try await fixture.expect(.prdStatus) {
            try await workspace.archivePRD("d", version: 1, in: "p", by: "adam")
        }
    }
}
