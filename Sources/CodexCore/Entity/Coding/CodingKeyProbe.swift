/// Finds the coding keys of a `Decodable` type, without a value of the type.
///
/// It is a decoder without content. It records the type of the keys that an initializer asks for
/// first, and then throws. So no code of the type runs that handles values.
final class CodingKeyProbe: Decoder {
    private struct Unreadable: Error {}

    private var keyType: (any CodingKey.Type)?
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    private init() {}

    /// The type of a type's coding keys; `nil` if it is not known.
    ///
    /// It is known if the initializer asks for keys first that the type itself declares, under a
    /// name that ends in `CodingKeys`. The keys of another type may be only a part of all keys: the
    /// initializer may pass its decoder on. So may those of another name, such as the keys of an
    /// earlier form. For the same reason it is not known for classes.
    static func keyType<Value: Decodable>(of type: Value.Type) -> (any CodingKey.Type)? {
        guard !(type is AnyClass) else { return nil }
        let probe = CodingKeyProbe()
        _ = try? Value(from: probe)
        guard let keys = probe.keyType, String(describing: keys).hasSuffix("CodingKeys") else {
            return nil
        }
        return String(reflecting: keys).hasPrefix(String(reflecting: type) + ".") ? keys : nil
    }

    func container<Key: CodingKey>(
        keyedBy type: Key.Type
    ) throws -> KeyedDecodingContainer<Key> {
        if keyType == nil { keyType = type }
        throw Unreadable()
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw Unreadable() }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { throw Unreadable() }
}
