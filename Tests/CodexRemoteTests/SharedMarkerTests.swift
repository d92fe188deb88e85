#if Remote
    import CodexCore
    import CodexWorkspace
    import Foundation
    import Testing

    @testable import CodexRemote

    /// Imported items that share a unique key: only one of them has the marker of the key.
    @Suite("Shared unique keys")
    struct SharedMarkerTests {
        private static let address = "shared@example.com"

        /// A table of a service in this process, with a workspace.
        private static func using(
            _ body: (RemoteTable, CodexFlow.TableWorkspaceBackend, CodexFlow.Workspace)
                async throws -> Void
        ) async throws {
            let definition = try CodexFlow.schema.table(CodexFlow.table)
            try await ConformanceScene(TestedService(name: "service")).using(definition) { table in
                let backend = try CodexFlow.TableWorkspaceBackend(table)
                let workspace = CodexFlow.Workspace(backend, calendar: CodexFlow.UTCCalendar())
                try await ConformanceTests.team(workspace)
                try await body(table, backend, workspace)
            }
        }

        private static func rule(of body: () async throws -> Void) async -> CodexFlow.Rule? {
            await Scene.error(of: body)?.rule
        }

        /// Stores two users with one address, and gives the markers of imported items.
        ///
        /// - Returns: The user who has the marker, and the other one.
        private static func twins(
            _ table: RemoteTable, _ backend: CodexFlow.TableWorkspaceBackend,
            _ workspace: CodexFlow.Workspace
        ) async throws -> (owner: CodexFlow.User.ID, other: CodexFlow.User.ID) {
            let entities = try RemoteEntities(table, schema: CodexFlow.schema)
            let ids: [CodexFlow.User.ID] = ["one", "two"]
            for id in ids {
                try await entities.put(CodexFlow.User(id: id, email: address, name: "N"))
            }
            let report = try await backend.verifyMarkers(repairing: true)
            #expect(report.missingCount == 2 && report.repairedCount == 1)
            let found = try await workspace.get(.user(email: address))
            let owner = try #require(found?.id)
            return (owner, try #require(ids.first { $0 != owner }))
        }

        @Test(
            "A user who leaves a shared address keeps the other one's marker",
            arguments: [false, true])
        func users(isDeletion: Bool) async throws {
            try await Self.using { table, backend, workspace in
                let (owner, other) = try await Self.twins(table, backend, workspace)
                if isDeletion {
                    try await workspace.deleteUser(other)
                } else {
                    try await workspace.changeUser(other) { $0.email = "own@example.com" }
                }
                let rule = await Self.rule {
                    try await workspace.createUser(email: Self.address, name: "N", id: "new")
                }
                #expect(rule == .userEmailTaken)
                let found = try await workspace.get(.user(email: Self.address))
                #expect(found?.id == owner)
                // The one who has the marker frees the address.
                try await workspace.changeUser(owner) { $0.email = "free@example.com" }
                try await workspace.createUser(email: Self.address, name: "N", id: "new")
                #expect(try await backend.verifyMarkers().missingCount == 0)
            }
        }

        @Test("A deleted project keeps the marker of another one with its key")
        func projects() async throws {
            try await Self.using { table, backend, workspace in
                try await workspace.createProject(
                    key: "OTHER", name: "Other", id: "q", owner: "olga")
                let entities = try RemoteEntities(table, schema: CodexFlow.schema)
                try await entities.update(.project("q")) { $0.key = "ENG" }
                try await workspace.deleteProject("q", by: "olga")
                let rule = await Self.rule {
                    try await workspace.createProject(
                        key: "ENG", name: "New", id: "r", owner: "olga")
                }
                #expect(rule == .projectKeyTaken)
                #expect(try await backend.verifyMarkers().missingCount == 0)
                try await workspace.deleteProject("p", by: "olga")
                try await workspace.createProject(key: "ENG", name: "New", id: "r", owner: "olga")
            }
        }
    }
#endif
