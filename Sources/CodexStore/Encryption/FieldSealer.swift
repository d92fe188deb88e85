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
    ///   - isPortable: Whether it is to open in other stores, too.
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
        // The system's generator, which is for such use.
        var random = SystemRandomNumberGenerator()
        var plain = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        defer { plain.wipe() }
        return try seal(plain, place, isPortable: false)
    }

    /// Seals a key again, under the current key; `nil` if the provider does not have the one that
    /// seals it.
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
    /// The 16 bytes of ``Manifest/bindingID``; `nil` in a store that has none yet, where no value
    /// is bound.
    let store: [UInt8]?
    let table: String
    let attribute: String
    /// The encoded primary key.
    let key: [UInt8]

    /// What is authenticated with a value: its own header, which says whether it is bound to a
    /// store, then the place, no part of which can be taken for another.
    func authenticated(_ value: SealedValue) -> [UInt8] {
        var parts = [Array(table.utf8), Array(attribute.utf8), key]
        if value.isBound { parts.append(store ?? []) }
        var bytes = value.header
        for part in parts { bytes += BigEndian.bytes(UInt64(part.count)) + part }
        return bytes
    }
}
