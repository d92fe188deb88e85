#if Remote
    import Codex
    import CodexCore
    import CodexStore
    import CodexTesting
    import Foundation
    import Testing

    /// Exports of remote tables, which go into a store.
    @Suite("Exports of remote tables")
    struct RemoteExportTests {
        private let fixture: Fixture

        /// A table with each kind of item that a client keeps for itself.
        init() async throws {
            fixture = try await Fixture(.service)
            let workspace = fixture.workspace
            try await fixture.task("a") { task in
                task.assigneeID = "mia"
                task.labels = ["ui", "api"]
                task.estimate = 3
            }
            try await fixture.task("b") { $0.parentID = "a" }
            try await fixture.task("c")
            try await workspace.addDependency(of: "c", on: "a", in: "p", by: "mia")
            try await workspace.logWork(1, on: "a", in: "p", by: "mia")
            _ = try await workspace.openSession(for: "max")
            _ = try await CodexFlow.TableWorkspaceBackend(ServiceScene.table(fixture.store))
                .rebuildLabels()
            try await fixture.store.put(
                ["PK": "$consumer#c#shard", "SK": "lease", "fence": 1], in: CodexFlow.table)
        }

        /// The items of the table, and what a store gets of them.
        private func items() throws -> [(exported: Item, stored: Item?)] {
            let export = try CodexFlow.RemoteExport(of: CodexFlow.table, for: CodexFlow.schema)
            return try fixture.contents.map { ($0, try export.storedItem(for: $0)) }
        }

        @Test("The items of entities stay, without the reserved attribute, and no others do")
        func kinds() throws {
            var (ownCount, tagCount) = (0, 0)
            for (exported, stored) in try items() {
                let entity = try CodexFlow.schema.entity(of: exported, in: CodexFlow.table)
                let keys = ["PK", "SK"].map { exported[$0]?.string ?? "" }
                #expect((entity != nil) == (stored != nil), "\(keys)")
                if stored == nil { ownCount += 1 }
                if exported[TableCapabilities.reservedAttribute] != nil { tagCount += 1 }
                #expect(stored?[TableCapabilities.reservedAttribute] == nil)
            }
            #expect(ownCount > 10 && tagCount > 10)
        }

        @Test("A store with the items has the same tasks, and takes commands")
        func store() async throws {
            let target = try TemporaryStore()
            for (_, stored) in try items() {
                if let stored { try await target.store.put(stored, in: CodexFlow.table) }
            }
            #expect(try target.store.verify().isSound)
            let clock = fixture.clock
            let workspace = CodexFlow.Workspace(target.store, clock: { clock.now })
            for id in ["a", "b", "c"] as [CodexFlow.Task.ID] {
                let (old, new) = (
                    try await fixture.workspace.get(.task(id, in: "p")),
                    try await workspace.get(.task(id, in: "p"))
                )
                #expect(old != nil && old == new)
            }
            let listed = try await workspace.all(.tasks(in: "p", label: "ui"))
            #expect(listed.map(\.id) == ["a"])
            try await workspace.createTask(in: "p", by: "mia", id: "d") { $0.title = "D" }
        }
    }
#endif
