internal import CodexCore

/// What encrypts and decrypts the values of sealed fields.
///
/// The engine knows this much of encryption; who does it is behind the package trait `Encryption`.
protocol FieldSealer: Sendable {
    /// The key that values are sealed under from now on.
    var currentKeyID: String { get throws(CodexError) }

    /// Seals a value's stored form.
    ///
    /// - Parameters:
    ///   - plain: The value's stored form.
    ///   - place: Where it is, which opening it must know.
    /// - Returns: The sealed value.
    /// - Throws: ``CodexError/Code/keyUnavailable``.
    func seal(_ plain: [UInt8], _ place: SealedPlace) throws(CodexError) -> SealedValue

    /// Opens a sealed value; `nil` if its key is not to be had.
    ///
    /// - Throws: ``CodexError/Code/valueTampered`` if it was changed, or was sealed for another place.
    func open(_ value: SealedValue, _ place: SealedPlace) throws(CodexError) -> [UInt8]?
}

/// The place that a sealed value is bound to: table, item and attribute.
struct SealedPlace {
    let table: String
    let attribute: String
    /// The encoded primary key.
    let key: [UInt8]

    /// What is authenticated with a value: its own header, then the place, no part of which can be taken
    /// for another.
    func authenticated(_ header: [UInt8]) -> [UInt8] {
        var bytes = header
        for part in [Array(table.utf8), Array(attribute.utf8), key] {
            bytes += BigEndian.bytes(UInt64(part.count)) + part
        }
        return bytes
    }
}
