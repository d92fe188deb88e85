internal import CodexCore

/// An attribute that a SELECT returns: the value of a path, under the path's last name.
struct StatementColumn: Sendable, Hashable {
    let name: String
    let path: DocumentPath

    private init(_ path: DocumentPath) {
        self.path = path
        var name = path.root
        for step in path.steps {
            switch step {
            case .name(let last): name = last
            case .index(let index): name += "[\(index)]"
            }
        }
        self.name = name
    }

    /// The columns of the selected expressions.
    fileprivate static func columns(_ nodes: [StatementNode]) throws -> [StatementColumn] {
        let columns = try nodes.map { node in
            guard case .path(let path) = node.content else {
                throw StatementMessages.unexpectedComponent(node.position)
            }
            return StatementColumn(path)
        }
        let names = columns.map(\.name).sorted { ByteOrder.compare($0, $1) < 0 }
        for place in names.indices.dropFirst()
        where ByteOrder.equal(names[place - 1], names[place]) {
            throw StatementRefusals.duplicateColumn(names[place])
        }
        return columns
    }

    /// The columns of an item that it has values for.
    static func item(_ columns: [StatementColumn], of item: Item) -> Item {
        Item(columns.compactMap { column in item[path: column.path].map { (column.name, $0) } })
    }
}

/// What a SELECT returns of an item.
struct StatementColumns: Sendable {
    /// The columns; `nil` is `*`.
    let all: [StatementColumn]?
    /// The attributes to return, if each column is one of the top level.
    let projection: Projection?

    /// Reads the selected expressions; `nil` is `*`.
    ///
    /// - Throws: `ValidationException` for an expression that is no path, and if two columns have
    ///   the same name.
    init(_ nodes: [StatementNode]?) throws {
        all = try nodes.map { try StatementColumn.columns($0) }
        guard let all, all.allSatisfy({ $0.path.steps.isEmpty }) else {
            projection = nil
            return
        }
        projection = try Projection(all.map(\.path))
    }

    /// The columns, if some of them are below the top level.
    var nested: [StatementColumn]? { projection == nil ? all : nil }

    /// The top-level attributes that the columns read.
    var roots: [String] { all?.map(\.path.root) ?? [] }
}
