internal import CodexCore

/// A statement as it was parsed.
///
/// The grammar is that of "PartiQL - a SQL-compatible query language for Amazon DynamoDB" in
/// DynamoDB's developer guide.
enum Statement: Sendable, Hashable {
    case select(Select)
    case insert(Insert)
    case update(Update)
    case delete(Delete)
    /// `EXISTS (SELECT …)`, a condition of a transaction.
    case exists(Select)

    /// The table of a statement, and perhaps an index, by their names.
    struct Source: Sendable, Hashable {
        let names: [String]
    }

    struct Select: Sendable, Hashable {
        /// What is selected; `nil` is `*`.
        let columns: [StatementNode]?
        let source: Source
        let condition: StatementNode?
        let order: [Order]
    }

    /// A part of an ORDER BY clause.
    struct Order: Sendable, Hashable {
        let node: StatementNode
        /// Whether the order descends; `nil` if the statement does not say it.
        let descends: Bool?
    }

    struct Insert: Sendable, Hashable {
        let source: Source
        let value: StatementNode
        let returning: Returning?
    }

    struct Update: Sendable, Hashable {
        let source: Source
        let clauses: [Clause]
        let condition: StatementNode?
        let returning: Returning?
    }

    /// A clause of an update.
    enum Clause: Sendable, Hashable {
        case set(DocumentPath, StatementNode)
        case remove(DocumentPath)
    }

    struct Delete: Sendable, Hashable {
        let source: Source
        let condition: StatementNode?
        let returning: Returning?
    }

    /// What a write returns of its item.
    struct Returning: Sendable, Hashable {
        /// Whether only the attributes that the update changes are returned.
        let isModified: Bool
        let isNew: Bool

        /// The clause as messages show it.
        var text: String { (isModified ? "MODIFIED " : "ALL ") + (isNew ? "NEW *" : "OLD *") }
    }
}
