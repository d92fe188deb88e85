#if Remote
    import CodexCore
    import CodexRemote
    import CodexWorkspace

    /// The key of all clients; the servers take any.
    enum Key {
        static let id = "KEY"
        static let secret = "SECRET"
        static let region = "us-east-1"
    }

    /// A client of a server.
    ///
    /// - Parameters:
    ///   - endpoint: The address of the server.
    ///   - transport: What sends the requests; `nil` is the client's own.
    ///   - change: Changes the options.
    /// - Returns: The client.
    /// - Throws: The errors of the client's options.
    func makeClient(
        _ endpoint: String, _ transport: (any HTTPTransport)? = nil,
        _ change: (inout RemoteOptions) -> Void = { _ in }
    ) throws -> RemoteClient {
        var options = RemoteOptions()
        options.region = Key.region
        options.endpoint = endpoint
        options.credentials = StaticCredentials(
            accessKeyID: Key.id, secretAccessKey: Key.secret)
        options.transport = transport
        change(&options)
        return try RemoteClient(options)
    }

    extension TableDefinition {
        /// A table whose keys are `pk` and `sk`.
        ///
        /// - Parameter name: The table's name.
        /// - Returns: The definition.
        static func plain(_ name: String) -> TableDefinition {
            TableDefinition(name, partitionKey: KeyAttribute("pk"), sortKey: KeyAttribute("sk"))
        }
    }

    extension RemoteTable {
        /// Creates a table of a server.
        ///
        /// - Parameters:
        ///   - definition: The table.
        ///   - client: The client of the server.
        ///   - hasStream: Whether it gets a stream.
        /// - Returns: The table.
        /// - Throws: The errors of the service.
        static func made(
            _ definition: TableDefinition, _ client: RemoteClient, hasStream: Bool = false
        ) async throws -> RemoteTable {
            let table = RemoteTable(definition, client)
            try await table.create(
                hasStream: hasStream, accepting: Set(RemoteTableDesign.Omission.Reason.allCases))
            return table
        }
    }

    /// The project `p` of the user `owner` in a table, and its members.
    struct Team: Sendable {
        let workspace: CodexFlow.Workspace
        let members: [CodexFlow.User.ID]

        /// Creates the table and the project.
        ///
        /// - Parameters:
        ///   - client: The client of the server.
        ///   - memberCount: The number of members beside the owner.
        /// - Throws: The errors of the service.
        init(_ client: RemoteClient, memberCount: Int) async throws {
            _ = try await RemoteTable.made(try CodexFlow.schema.table(CodexFlow.table), client)
            let workspace = try Self.workspace(client)
            try await workspace.createUser(email: "owner@example.com", name: "Owner", id: "owner")
            try await workspace.createProject(key: "PR", name: "Project", id: "p", owner: "owner")
            var members: [CodexFlow.User.ID] = []
            for number in 0..<memberCount {
                let id = try CodexFlow.User.ID("agent\(number)")
                try await workspace.createUser(
                    email: "\(id)@example.com", name: "Agent", id: id, role: .agent)
                try await workspace.addMember(id, to: "p", by: "owner")
                members.append(id)
            }
            (self.workspace, self.members) = (workspace, members)
        }

        /// The workspace on the table, by a client.
        ///
        /// - Parameter client: The client of the server.
        /// - Returns: The workspace.
        /// - Throws: The errors of what the table can do.
        static func workspace(_ client: RemoteClient) throws -> CodexFlow.Workspace {
            let table = RemoteTable(try CodexFlow.schema.table(CodexFlow.table), client)
            return CodexFlow.Workspace(
                try CodexFlow.TableWorkspaceBackend(table), calendar: CodexFlow.UTCCalendar())
        }
    }
#endif
