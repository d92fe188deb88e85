extension ItemHeader {
    /// Reads the header of an encoded item; `nil` if this release cannot read it.
    ///
    /// Only the beginning of the item need be present. ``ItemLayout`` reads the same header from a
    /// whole item, and its error describes the damage.
    package init?(beginningOf bytes: Span<UInt8>) {
        var position = 0
        self.init(bytes, &position)
    }

    /// Reads the header of an encoded item, and moves `position` to its end.
    init?(_ bytes: Span<UInt8>, _ position: inout Int) {
        guard bytes.count > 4 else { return nil }
        let first = bytes[0]
        let format = first >> 4
        guard format == ItemCodec.formatVersion || format == ItemCodec.untaggedVersion else {
            return nil
        }
        position = 1
        guard let entityNumber = Self.field(bytes, &position),
            let schemaVersion = Self.field(bytes, &position),
            let version = Self.field(bytes, &position)
        else { return nil }
        self.init(entityNumber: entityNumber, schemaVersion: schemaVersion, version: version)
        guard first & ItemCodec.expiryFlag != 0 else { return }
        guard let second = Self.field(bytes, &position) else { return nil }
        expiresAt = second
    }

    private static func field(_ bytes: Span<UInt8>, _ position: inout Int) -> Int? {
        guard let value = try? Wire.integer(bytes, &position), value < 1 << 53 else { return nil }
        return Int(value)
    }
}
