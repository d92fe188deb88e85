import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

@testable import CodexWorkspace

/// Projects: keys, statuses, settings, archiving, transfer, deletion.
extension ServiceTests {
    @Test("A project has a key of its own, and keeps it", arguments: Place.everywhere)
    func projectKeys(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await fixture.expect(.projectKeyTaken, "key") {
            try await workspace.createProject(key: "ENG", name: "Other", owner: "adam")
        }
        try await fixture.expect(.actorActive) {
            try await workspace.createProject(key: "OTHER", name: "Other", owner: "nobody")
        }
        let other = try await workspace.createProject(key: "OTHER", name: "Other", owner: "adam")
        // A key stands in the numbers of tasks, and stays; one that was stored without gets one.
        try await fixture.expect(.projectKept, "key") {
            try await workspace.changeProject(other.id, by: "adam") { $0.key = "NEW" }
        }
        try await store.put(CodexFlow.Project(id: "raw", name: "Raw", ownerID: "adam"))
        try await fixture.expect(.projectKeyTaken) {
            try await workspace.changeProject("raw", by: "adam") { $0.key = "ENG" }
        }
        try await workspace.changeProject("raw", by: "adam") { $0.key = "RAW" }
        #expect(try store.get(.project(key: "ENG"))?.id == "p")
    }

    @Test("A project's status changes as the table of statuses allows", arguments: Place.everywhere)
    func projectStatuses(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.expect(.projectStatus) {
            try await workspace.createProject(key: "DONE", name: "D", owner: "adam") {
                $0.status = .completed
            }
        }
        try await fixture.expect(.projectStatus) {
            try await workspace.changeProject("p", by: "adam") { $0.status = .completed }
        }
        let changed = try await workspace.changeProject("p", by: "adam") {
            $0.status = .started
            $0.timeZone = "Asia/Tokyo"
        }
        #expect(changed.status == .started)
    }

    @Test(
        "Nor does a project that was stored without a status skip any", arguments: Place.everywhere
    )
    func firstProjectStatus(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.store.put(CodexFlow.Project(id: "raw", name: "Raw", ownerID: "adam"))
        try await workspace.changeProject("raw", by: "adam") { $0.key = "RAW" }
        try await fixture.expect(.projectStatus) {
            try await workspace.changeProject("raw", by: "adam") { $0.status = .completed }
        }
        try await workspace.changeProject("raw", by: "adam") { $0.status = .started }
        try await fixture.expect(.projectStatus) {
            try await workspace.changeProject("raw", by: "adam") { $0.status = nil }
        }
    }

    @Test("A change keeps the owner, and is an admin's", arguments: Place.everywhere)
    func projectSettings(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.expect(.projectKept, "owner") {
            try await workspace.changeProject("p", by: "olga") { $0.ownerID = "adam" }
        }
        try await fixture.expect(.actorRole) {
            try await workspace.changeProject("p", by: "mia") { $0.name = "New" }
        }
        try await fixture.expect(.projectTimeZone) {
            try await workspace.changeProject("p", by: "adam") { $0.timeZone = "CEST" }
        }
    }

    @Test("An archived project is read only until it is restored", arguments: Place.everywhere)
    func archivedProjects(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await workspace.archiveProject("p", by: "adam")
        try await fixture.expect(.projectReadOnly) { try await fixture.task("t") }
        try await fixture.expect(.projectReadOnly) {
            try await workspace.addMember("nora", to: "p", by: "olga")
        }
        try await workspace.restoreProject("p", by: "adam")
        try await fixture.task("t")
    }

    @Test(
        "An owner gives a project to another user, and stays an admin", arguments: Place.everywhere
    )
    func transfers(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await fixture.expect(.actorRole) {
            try await workspace.transferProject("p", to: "adam", by: "adam")
        }
        try await fixture.expect(.projectOwner) {
            try await workspace.transferProject("p", to: "nobody", by: "olga")
        }
        try await workspace.transferProject("p", to: "nora", by: "olga")
        #expect(try store.get(.project("p"))?.ownerID == "nora")
        #expect(try store.get(.member("olga", of: "p"))?.role == .admin)
        #expect(try store.get(.member("nora", of: "p"))?.role == .owner)
        #expect(try store.all(.projects(ownedBy: "nora")).map(\.id) == ["p"])
        #expect(try store.all(.memberships(of: "nora")).map(\.projectID) == ["p"])
    }

    @Test(
        "Deleting a project removes everything in it, and goes on where it was",
        arguments: Place.allCases)
    func deletion(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await workspace.createProject(key: "KEEP", name: "Keep", id: "q", owner: "adam")
        for number in 0..<40 {
            try await fixture.task(try .init("t\(number)")) { $0.labels = ["l"] }
        }
        try await fixture.expect(.actorRole) { try await workspace.deleteProject("p", by: "adam") }
        // Nothing is removed of a project that is not marked: it may be another than was meant.
        let before = try fixture.contents
        #expect(try await workspace.backend.removeItems(of: "p", limit: 10))
        #expect(try fixture.contents == before)
        // As if it had been cut short after a part.
        try await workspace.commit { context in
            var project = try context.find(.project("p"))
            project.deletingSince = context.now
            context.replace(project)
        }
        #expect(try await !workspace.backend.removeItems(of: "p", limit: 30))
        #expect(try fixture.contents.count == before.count - 30)
        for actor in ["adam", "nora", "nobody"] {
            let rule: CodexFlow.Rule = actor == "nobody" ? .actorActive : .actorRole
            try await fixture.expect(rule) {
                try await workspace.deleteProject("p", by: try .init(actor))
            }
        }
        try await fixture.expect(.projectDeletion) { try await fixture.task("late") }
        try await fixture.expect(.projectDeletion) {
            try await workspace.restoreProject("p", by: "olga")
        }
        #expect(try await workspace.resumeDeletions() == ["p"])
        #expect(try await workspace.resumeDeletions().isEmpty)
        let left = try fixture.contents.filter { item in
            item["PK"]?.string?.hasPrefix("PROJECT#p") == true
        }
        #expect(left.isEmpty)
        #expect(try store.all(.memberships(of: "mia")).isEmpty)
        #expect(try store.get(.project("q")) != nil)
        #expect(try store.verify().isSound)
        try await workspace.createProject(key: "ENG", name: "Again", id: "p", owner: "olga")
        try await workspace.deleteProject("p", by: "olga")
        #expect(try store.get(.project("p")) == nil)
    }
}
