import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Who did what: histories of projects, members, PRDs and users, and feeds of all of it.
@Suite("Histories and feeds")
struct FeedTests {
    // MARK: Histories

    @Test("Each change of a project's settings is in its history", arguments: Place.allCases)
    func projectHistory(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        let day = CalendarDay(fixture.clock.now)
        try await workspace.changeProject("p", by: "adam") { $0.targetDate = day }
        try await workspace.changeProject("p", by: "adam") { $0.name = $0.name }
        try await workspace.archiveProject("p", by: "adam")
        try await workspace.restoreProject("p", by: "olga")
        try await workspace.transferProject("p", to: "nora", by: "olga")
        let entries = try store.all(.history(of: "p"))
        #expect(entries.map(\.kind) == [.created, .changed, .archived, .restored, .transferred])
        #expect(entries.map(\.actorID) == ["olga", "adam", "adam", "olga", "olga"])
        #expect(entries.allSatisfy { $0.subject == .project && $0.at == fixture.clock.now })
        let target = entries[1].changes.first { $0.field == "targetDate" }
        #expect(target?.from == nil && target?.to == day.attributeValue)
        #expect(
            entries[4].changes
                == [.init(field: "owner", from: "USER#olga", to: "USER#nora")])
        #expect(try store.get(.project("p"))?.updatedByID == "olga")
        try await fixture.expect(.projectKept, "updatedBy") {
            try await workspace.changeProject("p", by: "nora") { $0.updatedByID = "mia" }
        }
    }

    @Test("Each change of a membership is in its history", arguments: Place.allCases)
    func memberHistory(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await workspace.changeMember("vera", of: "p", to: .member, by: "adam")
        try await workspace.changeMember("vera", of: "p", to: .member, by: "adam")
        #expect(try store.get(.member("vera", of: "p"))?.updatedByID == "adam")
        try await workspace.removeMember("vera", from: "p", by: "vera")
        let entries = try store.all(.history(ofMember: "vera", in: "p"))
        #expect(entries.map(\.kind) == [.added, .changed, .removed])
        #expect(entries.map(\.actorID) == ["olga", "adam", "vera"])
        let roles: [CodexFlow.Activity.Change] = [
            .init(field: "role", from: nil, to: "viewer"),
            .init(field: "role", from: "viewer", to: "member"),
            .init(field: "role", from: "member", to: nil),
        ]
        #expect(entries.map(\.changes) == roles.map { [$0] })
        // The earlier owner is an admin then.
        try await workspace.transferProject("p", to: "adam", by: "olga")
        let last = try store.all(.history(ofMember: "olga", in: "p")).last
        #expect(last?.changes == [.init(field: "role", from: "owner", to: "admin")])
    }

    @Test(
        "The deletion of a user is in the histories of the memberships", arguments: Place.allCases)
    func deletedMember(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        // A raw membership of a project that does not exist.
        try await store.put(
            CodexFlow.Member(
                projectID: "none", userID: "vera", role: .member, createdAt: fixture.clock.now))
        try await workspace.acting(as: "olga").deleteUser("vera")
        try await workspace.deleteUser("max")
        for (user, role, actor) in [("vera", "viewer", "olga"), ("max", "member", "max")]
            as [(CodexFlow.User.ID, AttributeValue, CodexFlow.User.ID)]
        {
            let entries = try store.all(.history(ofMember: user, in: "p"))
            #expect(entries.map(\.kind) == [.added, .removed])
            #expect(entries.last?.actorID == actor)
            #expect(entries.last?.changes == [.init(field: "role", from: role, to: nil)])
        }
        #expect(try store.all(.history(ofMember: "vera", in: "none")).isEmpty)
        let newest = try await workspace.feed(of: "p").first
        #expect(newest?.actorID == "max")
    }

    @Test("Each step of a PRD is in its history", arguments: Place.allCases)
    func prdHistory(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        let content = CodexFlow.PRD.Content(
            overview: "o",
            userStories: [.init(id: "1", description: "d", acceptanceCriteria: ["c"])])
        let prd = try await workspace.createPRD(
            in: "p", title: "T", content: content, by: "mia", id: "d")
        let hash = try #require(prd.contentHash)
        for decision in [CodexFlow.PRDReview.Decision.requestChanges, .approve] {
            try await workspace.submitPRD("d", version: 1, in: "p", by: "mia")
            try await workspace.reviewPRD(
                "d", version: 1, contentHash: hash, in: "p", by: "max", decision: decision,
                note: "so")
        }
        for version in [1, 2] {
            try await workspace.addPRDVersion(of: "d", in: "p", basedOn: version, by: "max") {
                $0.risks.append("late")
            }
        }
        try await workspace.archivePRD("d", version: 3, in: "p", by: "adam")
        let entries = try store.all(.history(ofPRD: "d", in: "p"))
        let steps = entries.map { "\($0.kind) \($0.actorID)" }
        #expect(
            steps == [
                "created mia", "submitted mia", "changesRequested max", "submitted mia",
                "approved max", "added max", "added max", "superseded max", "archived adam",
            ])
        #expect(entries.map(\.subject).prefix(2) == [.prd("d", version: 1), .prd("d", version: 1)])
        #expect(entries.last?.subject == .prd("d", version: 3))
        #expect(entries[2].note == "so")
        #expect(try store.get(.prd("d", version: 3, in: "p"))?.updatedByID == "adam")
    }

    @Test("A user's administration is in a history without names and addresses, which stays")
    func userHistory() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let admin = workspace.acting(as: "olga")
        try await admin.createUser(email: "ida@example.com", name: "Ida", id: "ida")
        #expect(try store.get(.user("ida"))?.updatedByID == "olga")
        try await admin.changeUser("ida") {
            ($0.role, $0.name, $0.email) = (.viewer, "Ida B", "ida.b@example.com")
        }
        try await workspace.suspendUser("ida")
        #expect(try store.get(.user("ida"))?.updatedByID == nil)
        try await admin.activateUser("ida")
        try await admin.deleteUser("ida")
        let entries = try store.all(.history(ofUser: "ida"))
        #expect(entries.map(\.kind) == [.created, .changed, .suspended, .activated, .deleted])
        #expect(entries.map(\.actorID) == ["olga", "olga", nil, "olga", "olga"])
        let changes: Set<CodexFlow.Activity.Change> = [
            .init(field: "role", from: "member", to: "viewer"),
            .init(field: "name", from: nil, to: nil), .init(field: "email", from: nil, to: nil),
        ]
        #expect(Set(entries[1].changes) == changes)
        let items = try entries.map { try $0.item() }
        #expect(!"\(items)".contains("example.com") && !"\(items)".contains("Ida"))
    }

    @Test("Who administers users is an active user", arguments: Place.allCases)
    func administrators(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await workspace.suspendUser("nora")
        for administrator in ["nora", "nobody"] as [CodexFlow.User.ID] {
            let acting = workspace.acting(as: administrator)
            for command: @Sendable () async throws -> Void in [
                { try await acting.createUser(email: "a@b", name: "A") },
                { try await acting.changeUser("max") { $0.role = .admin } },
                { try await acting.suspendUser("max") }, { try await acting.activateUser("max") },
                { try await acting.deleteUser("max") },
            ] {
                try await fixture.expect(.actorActive, "actor") { try await command() }
            }
        }
    }

    // MARK: Events

    @Test("Events of projects, members, PRDs, users and work name who made the change")
    func actors() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let start = try store.read { try $0.sequenceNumber }
        try await fixture.task("a")
        try await fixture.task("b")
        try await workspace.addDependency(of: "a", on: "b", in: "p", by: "max")
        let comment = try await workspace.addComment(on: "a", in: "p", by: "mia", "one")
        try await workspace.changeComment(comment.id, on: "a", in: "p", by: "adam", to: "two")
        try await workspace.logWork(1, on: "a", in: "p", by: "max")
        try await workspace.changeMember("vera", of: "p", to: .member, by: "adam")
        try await workspace.createPRD(
            in: "p", title: "T", content: .init(overview: "o"), by: "mia", id: "d")
        try await workspace.archivePRD("d", version: 1, in: "p", by: "adam")
        try await workspace.acting(as: "olga").suspendUser("nora")
        try await workspace.archiveProject("p", by: "adam")
        try await workspace.deleteProject("p", by: "olga")
        let events = try store.retainedChanges(after: .sequenceNumber(start)).flatMap {
            try $0.events
        }
        func actors(_ kind: CodexFlow.Event.Kind) -> [CodexFlow.User.ID?] {
            events.filter { $0.kind == kind }.map(\.actorID)
        }
        let expected: [(CodexFlow.Event.Kind, CodexFlow.User.ID)] = [
            (.taskBlocked, "max"), (.taskCommented, "mia"), (.taskCommentChanged, "adam"),
            (.workLogged, "max"), (.memberChanged, "adam"), (.prdCreated, "mia"),
            (.prdArchived, "adam"), (.userSuspended, "olga"), (.projectArchived, "adam"),
            (.projectDeletionStarted, "olga"), (.projectDeleted, "olga"),
        ]
        for (kind, actor) in expected { #expect(actors(kind) == [actor], "\(kind)") }
    }

    // MARK: Feeds

    /// All parts of a feed together.
    private func whole(
        _ part: (_ before: String?) async throws -> [CodexFlow.FeedEntry]
    ) async throws -> [CodexFlow.FeedEntry] {
        var entries: [CodexFlow.FeedEntry] = []
        while true {
            let next = try await part(entries.last?.position)
            guard !next.isEmpty else { return entries }
            entries += next
        }
    }

    /// Work of several users, of all kinds that feeds have, some at the same instant.
    private func busy(_ place: Place) async throws -> Fixture {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        for number in 0..<6 {
            if number % 2 == 0 { fixture.clock.advance(by: 1) }
            let id = try CodexFlow.Task.ID("t\(number)")
            try await fixture.task(id)
            try await workspace.moveTask(id, in: "p", to: .todo, by: "max")
            try await workspace.changeProject("p", by: "adam") { $0.summary = "\(number)" }
            try await workspace.changeMember(
                "vera", of: "p", to: number % 2 == 0 ? .member : .viewer, by: "adam")
            try await workspace.acting(as: "adam").changeUser("nora") { $0.name = "N\(number)" }
        }
        return fixture
    }

    @Test(
        "A project's feed is the history of its tasks, members and settings, newest first",
        arguments: Place.allCases, [1, 2, 7, 1000])
    func projectFeed(place: Place, limit: Int) async throws {
        let fixture = try await busy(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        let entries = try await whole { position in
            try await workspace.feed(of: "p", limit: limit, before: position)
        }
        #expect(zip(entries, entries.dropFirst()).allSatisfy { $0.at >= $1.at })
        let tasks = try store.all(of: CodexFlow.Activity.self).map(CodexFlow.FeedEntry.task)
        let others = try store.all(of: CodexFlow.ProjectEntry.self).map(
            CodexFlow.FeedEntry.project)
        #expect(tasks.count == 12 && others.count == 18)
        #expect(entries.count == 30 && Set(entries) == Set(tasks + others))
    }

    @Test("Feeds of a store of an earlier release are refused until its entries have places")
    func earlierEntries() async throws {
        let path = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let present = CodexFlow.Activity.definition
        let places = CodexFlow.FeedPlace.attributes
        let earlier = EntityDefinition(
            present.name, table: present.table, keys: present.keys,
            fields: present.fields.filter { !places.contains($0.name) })
        let others = CodexFlow.schema.entities.filter { $0.name != present.name }
        let at = Date(timeIntervalSince1970: 1_762_300_800)
        let entry = CodexFlow.Activity(
            id: "1", projectID: "p", taskID: "a", actorID: "mia", at: at, day: CalendarDay(at),
            kind: .created)
        let schema = Schema(tables: CodexFlow.schema.tables, entities: others + [earlier])
        let old = try Store(at: path + "/store", schema: schema)
        var item = try entry.item()
        for name in places { item[name] = nil }
        try await old.put(item, in: CodexFlow.table)
        old.close()
        let store = try Store(at: path + "/store", schema: CodexFlow.schema)
        defer { store.close() }
        let workspace = CodexFlow.Workspace(store)
        await #expect(throws: CodexError(.migrationPending, "")) {
            _ = try await workspace.feed(of: "p")
        }
        await #expect(throws: CodexError(.migrationPending, "")) {
            _ = try await workspace.feed(by: "mia")
        }
        _ = try await store.migrate(CodexFlow.Activity.self)
        #expect(try await workspace.feed(of: "p") == [.task(entry)])
        #expect(try await workspace.feed(by: "mia") == [.task(entry)])
    }

    @Test(
        "A user's feed is what the user did, newest first", arguments: Place.allCases, [1, 5, 50])
    func userFeed(place: Place, limit: Int) async throws {
        let fixture = try await busy(place)
        let workspace = fixture.workspace
        for (user, count) in [("adam", 18), ("max", 6), ("mia", 6), ("nora", 0)]
            as [(CodexFlow.User.ID, Int)]
        {
            let entries = try await whole { position in
                try await workspace.feed(by: user, limit: limit, before: position)
            }
            #expect(entries.count == count && entries.allSatisfy { $0.actorID == user })
            #expect(zip(entries, entries.dropFirst()).allSatisfy { $0.at >= $1.at })
        }
    }

    @Test("A part of a feed has from 1 to 1000 entries", arguments: [-1, 0, 1, 1000, 1001])
    func limits(limit: Int) async throws {
        let fixture = try await Fixture()
        do {
            _ = try await fixture.workspace.feed(of: "p", limit: limit)
            #expect((1...1000).contains(limit))
        } catch let error as CodexError {
            #expect(error.code == .invalidArgument && !(1...1000).contains(limit))
        }
    }

    @Test("Entries that version 1 stored come into the feeds with the migration")
    func migration() throws {
        let at = Date(timeIntervalSince1970: 1_762_300_800)
        let entry = CodexFlow.Activity(
            id: "1", projectID: "p", taskID: "a", actorID: "mia", at: at, day: CalendarDay(at),
            kind: .commented)
        let new = try entry.item()
        var old = new
        for name in ["GSI3PK", "GSI3SK", "GSI4PK", "GSI4SK"] {
            #expect(old[name] != nil)
            old[name] = nil
        }
        #expect(try CodexFlow.Activity(item: old) == entry)
        try CodexFlow.Activity.upgrade(&old, from: 1)
        #expect(old == new)
    }
}
