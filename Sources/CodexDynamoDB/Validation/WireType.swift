/// A type that a value in a request must have, and AWS's errors for other types of JSON.
///
/// The texts are those that the tests of dynalite expect of AWS (architect/dynalite,
/// test/helpers.js): for each type, all other types of JSON were sent. The texts for `null` are not
/// verified.
enum WireType {
    case string
    case boolean
    case integer
    case long
    /// Bytes in base64.
    case blob
    /// A list; the text is the Java name of an element's type.
    case list(String)
    /// A map; the text is the Java name of a value's type.
    case map(String)
    /// A structure of DynamoDB's service model, by its name there.
    case structure(String)

    /// The structure of an attribute value.
    static var attributeValue: WireType { .structure("AttributeValue") }

    /// The error for JSON of another type.
    ///
    /// - Parameters:
    ///   - found: The type of the JSON.
    ///   - isElement: Whether the value is an element of a list or a value of a map.
    /// - Returns: A `SerializationException`.
    func mismatch(_ found: JSONType, isElement: Bool = false) -> ServiceError {
        .serialization(text(found, isElement))
    }

    private func text(_ found: JSONType, _ isElement: Bool) -> String {
        switch found {
        case .object: return "Start of structure or map found where not expected"
        case .array: return "Unrecognized collection type \(collectionName)"
        default: break
        }
        switch self {
        case .string: return "\(found.rawValue) cannot be converted to String"
        case .integer: return "\(found.rawValue) cannot be converted to Integer"
        case .long: return "\(found.rawValue) cannot be converted to Long"
        case .boolean:
            return found == .string
                ? "Unexpected token received from parser"
                : "\(found.rawValue) cannot be converted to Boolean"
        case .blob: return "only base-64-encoded strings are convertible to bytes"
        case .list, .map: return isElement ? Self.failedCast : "Unexpected field type"
        case .structure:
            return isElement ? "Unexpected value type in payload" : "Unexpected field type"
        }
    }

    private static let failedCast =
        "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to "
        + "class java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl "
        + "and java.lang.Class are in module java.base of loader 'bootstrap')"

    /// The type's name in Java.
    var javaName: String {
        switch self {
        case .string: "java.lang.String"
        case .boolean: "java.lang.Boolean"
        case .integer: "java.lang.Integer"
        case .long: "java.lang.Long"
        case .blob: "java.nio.ByteBuffer"
        case .list(let element): "java.util.List<\(element)>"
        case .map(let value): "java.util.Map<java.lang.String, \(value)>"
        case .structure(let name): "com.amazonaws.dynamodb.v20120810.\(name)"
        }
    }

    /// The type's name in the error for an array: Java prints classes with a word before them.
    private var collectionName: String {
        switch self {
        case .list, .map: javaName
        default: "class \(javaName)"
        }
    }
}
