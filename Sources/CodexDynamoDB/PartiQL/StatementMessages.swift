internal import CodexCore

/// The texts of the errors of statements.
///
/// A letter names the source of each text:
/// - C: answers of the service that are pinned in the tests of
///   github.com/paritysuite/dynamodb-conformance and github.com/nubo-db/dynamodb-conformance.
/// - F: answers of the service that are recorded in the tests of github.com/floci-io/floci.
/// - I: answers of the service in public issues and in notes of other implementations.
/// - U: unverified on the service: the text of DynamoDB Local, or of the parser that it uses.
/// - O: unverified, and an own text: no source is known.
enum StatementMessages {
    // MARK: Syntax

    /// The error for a statement that is not well formed; the detail is that of the parser.
    ///
    /// The details below are from C. "Expected RIGHT_PAREN" is from I. All other details that
    /// ``StatementParser`` and ``NodeParser`` have are from U.
    static func malformed(_ detail: String) -> ServiceError {
        .validation("Statement wasn't well formed, can't be processed: \(detail)")
    }

    // Source: C. Characters that form no token have no detail.
    static var unreadable: ServiceError { malformed("") }

    static let notManipulation = "Expected data manipulation"
    static let leftover = "Unexpected token after expression"
    static let term = "Unexpected term"
    static let keyword = "Unexpected keyword"
    static let operatorForTerm = "Unexpected operator"
    static let rightSide = "Missing right-hand side expression of infix operator"
    static let typeName = "Expected type name"
    static let simplePath = "Expected identifier for simple path"
    static let pathComponent = "Invalid path dot component"

    // Source: C.
    static var alias: ServiceError { .validation("Aliasing is not supported") }

    // Source: U.
    static func clause(_ name: String, _ position: StatementPosition) -> ServiceError {
        .validation("Unsupported clause: \(name) at \(position)")
    }

    // Source: U.
    static var severalTables: ServiceError {
        .validation("Only select from a single table or index is supported.")
    }

    // Source: O.
    static func tooDeep(_ position: StatementPosition) -> ServiceError {
        .validation(
            "The statement has parentheses or literals that are nested too deep at \(position)")
    }

    // Source: O.
    static var tooManyOperators: ServiceError {
        .validation(
            "The statement contains too many operators; at most "
                + "\(DynamoDBLimits.expressionOperatorCountMax) are allowed")
    }

    // MARK: Paths

    // Source: C.
    static func unexpectedComponent(_ position: StatementPosition) -> ServiceError {
        .validation("Unexpected path component at \(position)")
    }

    // Source: U.
    static func wildcard(_ position: StatementPosition) -> ServiceError {
        .validation("Wildcard path component like a[*].b are not supported at \(position)")
    }

    // Source: U.
    static func unpivot(_ position: StatementPosition) -> ServiceError {
        .validation("Unpivot path component like a.*.b are not supported at \(position)")
    }

    // Source: C.
    static func index(_ index: String, _ position: StatementPosition) -> ServiceError {
        .validation(
            "List index is not within the allowable range; index: [\(index.abbreviated())] at "
                + "\(position)")
    }

    // Source: U.
    static func pathTooLong(_ count: Int) -> ServiceError {
        .validation(
            "The document path has too many nesting elements; nesting levels: \(count)")
    }
}

/// The texts of the errors of literals and parameters; the sources are as in
/// ``StatementMessages``.
enum LiteralMessages {
    // Source: U.
    static var parameterCount: ServiceError {
        .validation("Number of parameters in request and statement don't match.")
    }

    // Source: C.
    static func dataType(
        _ type: String, under path: String, _ position: StatementPosition
    ) -> ServiceError {
        .validation("Unsupported data type: \(type) under key \(path) at \(position)")
    }

    // Source: C.
    static var emptyBag: ServiceError { .validation("Empty bags are not supported") }

    // Source: C.
    static var bagType: ServiceError {
        .validation(
            "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags"
        )
    }

    // Source: C. The path follows only numbers.
    static func duplicates(_ members: [String], under path: String?) -> ServiceError {
        .validation(
            "One or more parameter values were invalid: Input collection "
                + "[\(members.joined(separator: ", "))] contains duplicates"
                + (path.map { "! under \($0)" } ?? "."))
    }

    // Source: C.
    static func nesting(under path: String) -> ServiceError {
        .validation("Nesting Levels have exceeded supported limits under \(path)")
    }

    // Source: C.
    static func overflow(under path: String) -> ServiceError {
        .validation(
            "Number overflow. Attempting to store a number with magnitude larger than supported "
                + "range under \(path)")
    }

    // Source: C.
    static func underflow(under path: String) -> ServiceError {
        .validation(
            "Number underflow. Attempting to store a number with magnitude smaller than supported "
                + "range under \(path)")
    }

    // Source: C.
    static func digits(under path: String) -> ServiceError {
        .validation(
            "Attempting to store more than 38 significant digits in a Number under \(path)")
    }

    // Source: U.
    static func duplicateKey(_ key: String, under path: String) -> ServiceError {
        .validation("Duplicate keys in tuple. Key: \(key.abbreviated()) under \(path)")
    }

    // Source: U.
    static func keyType(_ type: String, under path: String) -> ServiceError {
        .validation("Tuple keys must be of type String. Actual type: \(type) under \(path)")
    }

    // Source: U.
    static var itemFormat: ServiceError {
        .validation(
            "Unsupported format in item expression. Please use struct format {...} to express item "
                + "values for insert statement.")
    }
}

/// The texts of the errors of conditions and updates, before a table is looked up.
///
/// The sources are as in ``StatementMessages``.
enum OperandMessages {
    // Source: U.
    static var notCondition: ServiceError {
        .validation("WHERE clause must contain an expression that resolves to a boolean")
    }

    // Source: U.
    static var notConditions: ServiceError {
        .validation("The arguments to AND/OR must be Expressions")
    }

    // Source: U.
    static var notNegatable: ServiceError {
        .validation("The argument to NOT must be a Type or Expression")
    }

    // Source: U.
    static var missingLiteral: ServiceError {
        .validation("MISSING must be compared using IS operator")
    }

    // Source: U.
    static var isOperand: ServiceError {
        .validation(
            "The left hand side argument to IS must be a Variable Reference, Literal, or Path")
    }

    // Source: U.
    static func isType(_ type: String) -> ServiceError {
        .validation(
            "Unsupported data type for IS operator: \(type). Supported data types are [MISSING, "
                + "NULL, BOOLEAN, BLOB, STRING, NUMERIC, STRUCT, TUPLE, LIST]")
    }

    // Source: U.
    static var inOperand: ServiceError {
        .validation(
            "IN operator must have a left hand argument of type Variable Reference and right hand "
                + "argument of type Seq with at least one member")
    }

    // Source: C.
    static func tooManyCandidates(_ count: Int) -> ServiceError {
        .validation(
            "The IN operator is provided with too many operands; number of operands: \(count)")
    }

    // Source: C.
    static func operandType(_ name: String, _ type: AttributeType) -> ServiceError {
        .validation(
            "Incorrect operand type for operator or function; operator or function: \(name), "
                + "operand type: \(type.rawValue)")
    }

    // Source: C.
    static func operandCount(_ name: String, _ count: Int) -> ServiceError {
        .validation(
            "Incorrect number of operands for operator or function; operator or function: \(name), "
                + "number of operands: \(count)")
    }

    // Source: C.
    static func operandPath(_ name: String) -> ServiceError {
        .validation(
            "Operator or function requires a document path; operator or function: \(name)")
    }

    // Source: C.
    static func attributeType(_ name: String) -> ServiceError {
        .validation(
            "Invalid attribute type name found; type: \(name.abbreviated()), valid types: "
                + "{N,BS,L,B,NULL,M,S,SS,NS,BOOL}")
    }

    // Source: C.
    static func function(_ name: String, _ position: StatementPosition) -> ServiceError {
        .validation("Unrecognized function: \(name.abbreviated()) at \(position)")
    }

    // Source: C.
    static func conditionOperator(_ name: String) -> ServiceError {
        .validation("Unsupported operator in Condition Expression. Operator: \(name)")
    }

    // MARK: Updates

    // Source: U.
    static func updateOperator(_ name: String) -> ServiceError {
        .validation("Unsupported operator in Update Expression. Operator: \(name)")
    }

    // Source: U.
    static var isInUpdate: ServiceError {
        .validation("IS operator is not supported in update expressions")
    }

    // Source: O.
    static var tooManyTerms: ServiceError {
        .validation("The sum of a SET clause has more than two terms; its numbers count as one")
    }

    // Source: C.
    static func setCount(_ name: String, _ position: StatementPosition) -> ServiceError {
        .validation("\(name) must have exactly two arguments at \(position)")
    }

    // Source: C.
    static func setPath(_ name: String, _ position: StatementPosition) -> ServiceError {
        .validation(
            "The first argument to \(name) must equal the assignment value at \(position)")
    }

    // Source: C.
    static func setValue(_ name: String, _ position: StatementPosition) -> ServiceError {
        .validation(
            "The second argument to \(name) must be a value with type SET at \(position)")
    }
}

/// The texts of the errors of statements that are well formed, and that their table refuses.
///
/// The sources are as in ``StatementMessages``.
enum StatementRefusals {
    // MARK: Tables and indexes

    // Source: C.
    static var sourceComponents: ServiceError {
        .validation("A path may contain at most 2 components in the FROM clause")
    }

    // Source: C.
    static var emptyComponent: ServiceError {
        .validation("Path component cannot be an empty string")
    }

    // Source: C.
    static var insertIndex: ServiceError {
        .validation("FROM clause may only contain a single table name")
    }

    // Source: C.
    static var writeIndex: ServiceError {
        .validation("This operation is not supported on an index")
    }

    // Source: C.
    static var unknownIndex: ServiceError {
        .validation("The table does not have the specified index")
    }

    // Source: C.
    static var severalKeyAttributes: ServiceError {
        .validation(
            "PartiQL statements cannot be executed on tables with multi-attribute HASH keys or "
                + "multi-attribute RANGE keys.")
    }

    // Source: C.
    static var consistentGlobalIndex: ServiceError {
        .validation("Strongly consistent read is not supported on Global Secondary Indexes")
    }

    // Source: C.
    static func unprojected(_ index: String, _ names: [String]) -> ServiceError {
        .validation(
            "One or more parameter values were invalid: Global secondary index \(index) does not "
                + "project [\(names.joined(separator: ", "))]")
    }

    // Source: C. There, the names of the attributes have no fixed order.
    static func unprojectedFilter(_ index: String, _ names: [String]) -> ServiceError {
        .validation(
            "One or more parameter values were invalid: Secondary index \(index) does not project "
                + "one or more filter attributes: [\(names.joined(separator: ", "))]")
    }

    // Source: U.
    static func duplicateColumn(_ name: String) -> ServiceError {
        .validation("Duplicate identifiers in select clause: \(name.abbreviated())")
    }

    // MARK: Keys

    // Source: C.
    static func keyMismatch(_ name: String) -> ServiceError {
        .validation(
            "Key attribute's data type should match its data type in table's schema: Key \(name)")
    }

    // Source: C.
    static func keyType(_ name: String, _ type: AttributeType) -> ServiceError {
        .validation(
            "Key value must be of type S, N, or B. Key name: \(name), Key type: \(type.rawValue)")
    }

    // Source: C.
    static var noKey: ServiceError {
        .validation("Where clause does not contain a mandatory equality on all key attributes")
    }

    // Source: C.
    static func severalKeys(_ name: String) -> ServiceError {
        .validation(
            "Multiple conditions on same key \(name). Only single item Update/Insert/Delete are "
                + "supported")
    }

    // Source: C.
    static var tooManyReads: ServiceError {
        .validation("Too many decomposed read operations for a given query.")
    }

    // Source: C.
    static var overlap: ServiceError {
        .validation("Overlapping conditions with range keys are not supported in where clause")
    }

    // MARK: Order

    // Source: C.
    static var orderWithoutCondition: ServiceError {
        .validation("Must have WHERE clause in the statement when using ORDER BY clause.")
    }

    // Source: F.
    static func orderAttribute(_ name: String) -> ServiceError {
        .validation(
            "Attribute \(name.abbreviated()) in ORDER BY clause must be part of the primary key")
    }

    // Source: F.
    static var orderWithoutKey: ServiceError {
        .validation(
            "Must have at least one non-optional hash key condition in WHERE clause when using "
                + "ORDER BY clause.")
    }

    // Source: F.
    static var orderOfPartitions: ServiceError {
        .validation(
            "Must have hash key in ORDER BY clause when more than one hash key condition specified "
                + "in WHERE clause.")
    }

    // Source: O.
    static var orderOfSortKey: ServiceError {
        .validation(
            "Must have hash key before range key in ORDER BY clause when more than one hash key "
                + "condition specified in WHERE clause.")
    }

    // MARK: Pages

    // Source: C.
    static var invalidToken: ServiceError { .validation("Invalid NextToken") }

    // Source: C.
    static var otherToken: ServiceError { .validation("NextToken does not match request") }

    // Source: U.
    static var expiredToken: ServiceError {
        .validation("Given NextToken has already expired")
    }

    // MARK: Writes

    // Source: C.
    static var duplicateItem: ServiceError {
        ServiceError("DuplicateItemException", duplicateItemMessage)
    }

    static let duplicateItemMessage = "Duplicate primary key exists in table"

    // Source: C.
    static func deleteReturning(_ clause: String) -> ServiceError {
        .validation(
            "Invalid returning clause: RETURNING \(clause). Only RETURNING ALL OLD * is allowed in "
                + "DELETE statements.")
    }

    // Source: U.
    static var insertReturning: ServiceError {
        .validation("RETURNING is not supported in INSERT")
    }

    // Source: U.
    static var severalReturning: ServiceError {
        .validation("Invalid syntax with multiple returning elements in RETURNING clause")
    }
}

/// The texts of the errors of statements in batches and transactions; the sources are as in
/// ``StatementMessages``.
enum StatementListRefusals {
    // Source: C.
    static var existsOutside: ServiceError {
        .validation("EXISTS can only be used in ExecuteTransaction write requests.")
    }

    // Source: F.
    static var existsKey: ServiceError {
        .validation("EXISTS() must contain a single item read with additional condition")
    }

    // Source: C.
    static var batchKey: ServiceError {
        .validation(
            "Select statements within BatchExecuteStatement must specify the primary key in the "
                + "where clause.")
    }

    // Source: O.
    static var batchMixed: ServiceError {
        .validation(
            "BatchExecuteStatement API does not support both read and write operations in the same "
                + "request.")
    }

    // Source: F.
    static var transactionMixed: ServiceError {
        .validation(
            "ExecuteTransaction API does not support both read and write operations in the same "
                + "request.")
    }

    // Source: C.
    static var transactionKey: ServiceError {
        .validation(
            "Select statements within ExecuteTransaction must specify the primary key in the where "
                + "clause.")
    }

    // Source: C.
    static var transactionIndex: ServiceError {
        .validation("Reads on indices are not supported within transactions.")
    }

    // Source: C.
    static var transactionReturning: ServiceError {
        .validation("RETURNING clause is not supported in ExecuteTransaction.")
    }

    // Source: C.
    static var transactionItemKey: ServiceError {
        .validation(ItemMessages.keyMismatch)
    }

    // Source: C.
    static func transaction(_ place: Int, _ failure: ServiceError) -> ServiceError {
        .validation("Validation failed in TransactStatements[\(place)]: \(failure.message)")
    }

    // Source: O.
    static var transactionTooLarge: ServiceError {
        .validation(
            "The parameters of a transaction exceed the maximum allowed size together: "
                + "\(DynamoDBLimits.transactionByteCountMax) bytes")
    }
}
