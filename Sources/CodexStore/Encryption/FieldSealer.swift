internal import CodexCore

/// Encrypts and decrypts the values of sealed fields.
///
/// The engine knows only this protocol of the encryption; the implementation needs the package
/// trait `Encryption`.
protocol FieldSealer: Sendable {
    /// The key that seals new values.
    var currentKeyID: String { get throws(CodexError) }

    /// Seals a value's stored form.
    ///
    /// - Parameters:
    ///   - plain: The value's stored form.
    ///   - place: The value's place, which opening it requires.
    ///   - isPortable: Whether it must open in other stores, too.
    /// - Returns: The sealed value.
    /// - Throws: ``CodexError/Code/keyUnavailable``.
    func seal(
        _ plain: [UInt8], _ place: SealedPlace, isPortable: Bool
    ) throws(CodexError) -> SealedValue

    /// Opens a sealed value; `nil` if the provider does not have its key.
    ///
    /// - Throws: ``CodexError/Code/valueTampered`` if it was changed, or was sealed for another
    ///   place; ``CodexError/Code/keyUnavailable`` if the provider fails.
    func open(_ value: SealedValue, _ place: SealedPlace) throws(CodexError) -> [UInt8]?

    /// The HMAC-SHA256 (RFC 2104) of a message under a sealed key, 32 bytes; `nil` if the provider
    /// does not have the key that seals it.
    ///
    /// - Throws: As ``open(_:_:)``.
    func authenticationCode(
        of message: [UInt8], under key: SealedValue, _ place: SealedPlace
    ) throws(CodexError) -> [UInt8]?
}

extension FieldSealer {
    /// Makes a key of 256 random bits, sealed.
    ///
    /// - Throws: As ``seal(_:_:isPortable:)``.
    func makeKey(_ place: SealedPlace) throws(CodexError) -> SealedValue {
        // The system's generator is cryptographically secure.
        var random = SystemRandomNumberGenerator()
        var plain = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        defer { plain.wipe() }
        return try seal(plain, place, isPortable: false)
    }

    /// Seals a key again, under the current key; `nil` if the provider lacks the key that seals it.
    ///
    /// - Throws: As ``open(_:_:)``.
    func resealed(_ key: SealedValue, _ place: SealedPlace) throws(CodexError) -> SealedValue? {
        guard var plain = try open(key, place) else { return nil }
        defer { plain.wipe() }
        return try seal(plain, place, isPortable: false)
    }
}

/// The place that a sealed value is bound to: store, table, item and attribute.
struct SealedPlace {
    /// The 16 bytes of ``Manifest/bindingID``; `nil` in a store without one, where no value is
    /// bound.
    let store: [UInt8]?
    let table: String
    let attribute: String
    /// The encoded primary key.
    let key: [UInt8]

    /// The authenticated data of a value: its header, and then the place.
    ///
    /// The header has whether the value is bound to a store. The length before each part prevents
    /// confusion of parts.
    func authenticated(_ value: SealedValue) -> [UInt8] {
        var parts = [Array(table.utf8), Array(attribute.utf8), key]
        if value.isBound { parts.append(store ?? []) }
        var bytes = value.header
        for part in parts { bytes += BigEndian.bytes(UInt64(part.count)) + part }
        return bytes
    }
}
