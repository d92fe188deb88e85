internal import CodexCore

/// The texts of refused expressions, updates and numbers, as DynamoDB words them.
///
/// The source of each text stands before it, in brackets; see ``Messages``. An [unverified] text
/// has the form of the texts beside it.
enum ExpressionMessages {
    /// The text for an error of the store; `nil` for one without an exact problem.
    static func text(for error: CodexError) -> String? {
        guard let refusal = error.refusal else { return nil }
        let problem = text(for: refusal)
        guard let parameter = error.parameter else { return problem }
        return "Invalid \(parameter): \(problem)"
    }

    /// The text for an update that the stored item does not allow; `nil` for another error.
    ///
    /// The update's own literals are checked with the request, and have other texts.
    static func text(ofUpdate error: CodexError) -> String? {
        if error.code == .itemTooLarge { return ItemMessages.updatedItemTooLarge }
        switch error.refusal {
        case .keyType(_, _, let owner)? where index(owner) != nil:
            return ItemMessages.indexKeyUpdateType
        case .emptyKey(let attribute, let owner)? where index(owner) != nil:
            return ItemMessages.emptyIndexKeyInUpdate(attribute.type.attributeType)
        case .keySize?: return ItemMessages.indexKeyUpdateSize
        default: return nil
        }
    }

    private static func text(for refusal: Refusal) -> String {
        switch refusal {
        // [conformance] error-messages/updateItem, getItem
        case .syntax(let token, let near): "Syntax error; token: \"\(token)\", near: \"\(near)\""
        // [conformance] error-messages/batchGetItem
        case .overlap(let one, let two):
            "Two document paths overlap with each other; must remove or rewrite one of these "
                + "paths; path one: \(list(one)), path two: \(list(two))"
        // [dynalite] updateItem
        case .conflict(let one, let two):
            "Two document paths conflict with each other; must remove or rewrite one of these "
                + "paths; path one: \(list(one)), path two: \(list(two))"
        // [conformance] error-messages/putItem
        case .sameOperands(let name, let path):
            "The first operand must be distinct from the remaining operands for this operator or "
                + "function; operator: \(name), first operand: \(list(path))"
        // [alternator] test_update_expression; [unverified] for comparisons
        case .operandType(let name, let type):
            "Incorrect operand type for operator or function; operator or function: \(name), "
                + "operand type: \(type.rawValue)"
        // [dynalite] putItem
        case .typeOfPath:
            "Incorrect operand type for operator or function; operator or function: "
                + "attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}"
        // [dynalite] putItem
        case .typeName(let name):
            "Invalid attribute type name found; type: \(name.abbreviated()), valid types: "
                + "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
        // [alternator] test_update_expression_add_numbers
        case .clauseType(let clause, let type):
            "Incorrect operand type for operator or function; operator: \(clause), operand type: "
                + longName(of: type)
        // [dynalite] putItem
        case .boundTypes(let low, let high):
            "The BETWEEN operator requires same data type for lower and upper bounds; lower bound "
                + "operand: AttributeValue: \(text(for: low)), upper bound operand: "
                + "AttributeValue: \(text(for: high))"
        // [dynalite] putItem
        case .boundOrder(let low, let high):
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
                + "lower bound operand: AttributeValue: \(text(for: low)), upper bound operand: "
                + "AttributeValue: \(text(for: high))"
        // [local], with the count as in other texts
        case .candidateCount(let count):
            "The IN operator is provided with too many operands; number of operands: \(count)"
        // [alternator] test_update_expression_list_append_non_list_arguments
        case .missingOperand:
            "The provided expression refers to an attribute that does not exist in the item"
        // [alternator] test_update_expression_add_numbers
        case .operandMismatch: "An operand in the update expression has an incorrect data type"
        // [alternator] test_nested_attribute_update_bad_path_dot
        case .documentPath:
            "The document path provided in the update expression is invalid for update"
        case .transactionSize: ItemMessages.transactionTooLarge
        case .keyType(let attribute, let type, let owner):
            index(owner).map { ItemMessages.indexKeyType(attribute, type, $0) }
                ?? ItemMessages.keyType(attribute, type)
        case .emptyKey(let attribute, let owner):
            ItemMessages.emptyKey(attribute, attribute.type.attributeType, index(owner))
        case .keySize(let isPartition):
            isPartition ? ItemMessages.partitionKeyTooLong : ItemMessages.sortKeyTooLong
        // [dynalite] putItem
        case .numberText: "The parameter cannot be converted to a numeric value"
        // [conformance] limits/numberPrecision; [dynalite] putItem
        case .numberOverflow:
            "Number overflow. Attempting to store a number with magnitude larger than supported "
                + "range"
        // [dynalite] putItem
        case .numberUnderflow:
            "Number underflow. Attempting to store a number with magnitude smaller than supported "
                + "range"
        // [dynalite] putItem
        case .numberPrecision: "Attempting to store more than 38 significant digits in a Number"
        }
    }

    /// The name of the index that an error of the store names; `nil` for a table.
    private static func index(_ owner: String) -> String? {
        owner.hasPrefix("index ") ? String(owner.dropFirst("index ".count)) : nil
    }

    /// A path as a list of its steps: `[a, [1], b]`.
    private static func list(_ path: DocumentPath) -> String {
        let steps = path.allSteps.map { step in
            switch step {
            case .name(let name): name.abbreviated()
            case .index(let index): "[\(index)]"
            }
        }
        return "[\(steps.joined(separator: ", "))]"
    }

    /// A bound of BETWEEN, as `{N:1}`.
    private static func text(for value: AttributeValue) -> String {
        let content =
            switch value {
            case .string(let text): text.abbreviated()
            case .number(let number): number.description
            case .binary(let bytes): Base64.encode(bytes).abbreviated()
            default: ""
            }
        return "{\(value.type.rawValue):\(content)}"
    }

    /// The type's name where DynamoDB writes it out.
    private static func longName(of type: AttributeType) -> String {
        switch type {
        case .string: "STRING"
        case .number: "NUMBER"
        case .binary: "BINARY"
        case .bool: "BOOLEAN"
        case .null: "NULL"
        case .list: "LIST"
        case .map: "MAP"
        case .stringSet, .numberSet, .binarySet: type.rawValue
        }
    }
}

/// Texts of items, keys and sizes that several operations have.
///
/// The source of each text stands before it, in brackets; see ``Messages``.
enum ItemMessages {
    // [conformance] limits/itemSizeBySurface
    static let itemTooLarge = "Item size has exceeded the maximum allowed size"
    // [conformance] limits/itemSizeBySurface
    static let updatedItemTooLarge = "Item size to update has exceeded the maximum allowed size"
    // [conformance] error-messages/getItem
    static let keyMismatch = "The provided key element does not match the schema"
    // [conformance] error-messages/batchGetItem, batchWriteItem
    static let duplicateKeys = "Provided list of item keys contains duplicates"
    // [dynalite] updateItem; for AttributeUpdates
    static let legacyTypeMismatch = "Type mismatch for attribute to update"
    // [reference]; [dynalite] updateItem
    static let indexKeyUpdateType =
        "The update expression attempted to update the secondary index key to unsupported type"
    // [reference]
    static let indexKeyUpdateSize =
        "The update expression attempted to update the secondary index key beyond allowed size "
        + "limits"
    /// The rule of the developer guide, "DynamoDB transactions"; the text is [unverified].
    static let transactionTooLarge =
        "The aggregate size of the items in the transaction cannot exceed 4 MB"
    // [conformance] validation-ordering/updateItem
    static let nestingTooDeep =
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels "
        + "beyond supported limit"

    // [dynalite] putItem; the text has no space before the size.
    static let partitionKeyTooLong =
        "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size "
        + "limit of\(DynamoDBLimits.partitionKeyByteCountMax) bytes"
    // [dynalite] putItem
    static let sortKeyTooLong =
        "One or more parameter values were invalid: Aggregated size of all range keys has exceeded "
        + "the size limit of \(DynamoDBLimits.sortKeyByteCountMax) bytes"

    // [dynalite] putItem
    static func missingKey(_ name: String) -> String {
        "One or more parameter values were invalid: Missing the key \(name) in the item"
    }

    // [conformance] error-messages/transactWriteItems
    static func keyType(_ attribute: KeyAttribute, _ type: AttributeType) -> String {
        "One or more parameter values were invalid: Type mismatch for key \(attribute.name) "
            + "expected: \(attribute.type.rawValue) actual: \(type.rawValue)"
    }

    // [conformance] error-messages/batchWriteItem, transactWriteItems
    static func indexKeyType(
        _ attribute: KeyAttribute, _ type: AttributeType, _ index: String
    ) -> String {
        "One or more parameter values were invalid: Type mismatch for Index Key \(attribute.name) "
            + "Expected: \(attribute.type.rawValue) Actual: \(type.rawValue) IndexName: \(index)"
    }

    // [conformance] error-messages/putItem, batchWriteItem
    static func emptyKey(
        _ attribute: KeyAttribute, _ type: AttributeType, _ index: String?
    ) -> String {
        let start = "One or more parameter values are not valid. "
        let rule =
            "The AttributeValue for a key attribute cannot contain an empty "
            + "\(type == .binary ? "binary" : "string") value. "
        guard let index else { return start + rule + "Key: \(attribute.name)" }
        return start + "A value specified for a secondary index key is not supported. " + rule
            + "IndexName: \(index), IndexKey: \(attribute.name)"
    }

    // [conformance] error-messages/transactWriteItems
    static func emptyIndexKeyInUpdate(_ type: AttributeType) -> String {
        "One or more parameter values are not valid. The update expression attempted to update a "
            + "secondary index key to a value that is not supported. The AttributeValue for a key "
            + "attribute cannot contain an empty \(type == .binary ? "binary" : "string") value."
    }

    // [conformance] error-messages/transactWriteItems, updateItem
    static func keyUpdate(_ name: String) -> String {
        "One or more parameter values were invalid: Cannot update attribute \(name). This "
            + "attribute is part of the key"
    }

    // [dynalite] getItem, query
    static func nestedKey(_ name: String, isIndexKey: Bool) -> String {
        "Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
            + "allowed: \(isIndexKey ? "IndexKey" : "Key"): \(name)"
    }
}
