/// A type of JSON, by the name that AWS's errors have for it.
enum JSONType: String, Sendable {
    case object = "START_OBJECT"
    case array = "START_ARRAY"
    case string = "STRING_VALUE"
    case number = "NUMBER_VALUE"
    case decimal = "DECIMAL_VALUE"
    case yes = "TRUE_VALUE"
    case no = "FALSE_VALUE"
    case null = "NULL_VALUE"
}
