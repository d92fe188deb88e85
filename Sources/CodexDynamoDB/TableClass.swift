/// The classes of tables.
///
/// They differ in price alone, so the service only remembers them.
enum TableClass: String, Sendable {
    case standard = "STANDARD"
    case infrequentAccess = "STANDARD_INFREQUENT_ACCESS"

    /// Reads the parameter `TableClass`.
    init?(_ input: RequestParameters) throws {
        guard let text = try input.string("TableClass") else { return nil }
        guard let known = TableClass(rawValue: text) else { throw TableMessages.unknownClass }
        self = known
    }
}
