/// The functions of expressions, by their names.
enum ExpressionFunction: String {
    case attributeExists = "attribute_exists"
    case attributeNotExists = "attribute_not_exists"
    case attributeType = "attribute_type"
    case beginsWith = "begins_with"
    case contains
    case size
    case ifNotExists = "if_not_exists"
    case listAppend = "list_append"

    /// The number of operands.
    var operandCount: Int {
        switch self {
        case .attributeExists, .attributeNotExists, .size: 1
        case .attributeType, .beginsWith, .contains, .ifNotExists, .listAppend: 2
        }
    }

    /// Whether updates have the function, and conditions do not.
    var isOfUpdates: Bool { self == .ifNotExists || self == .listAppend }

    /// The problem of a function in a place where it is not allowed.
    static func misuse(of name: String) -> String {
        "The function is not allowed to be used this way in an expression; function: \(name)"
    }
}
