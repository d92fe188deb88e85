internal import CodexCore

/// Checks of records that may be hostile.
extension LogRecord {
    /// Throws unless the record's changes of system entries are ones that a leader makes.
    ///
    /// - Parameter shapeCount: The number of shapes before the record.
    /// - Throws: ``CodexError/Code/corrupted`` for a change that no leader writes.
    func requireWellFormed(shapeCount: Int) throws(CodexError) {
        guard !body.isEmpty, header.milliseconds < 1 << 62 else {
            throw Wire.corrupted("a record of the log")
        }
        let isSchemaChange = try changesSchema()
        var shapeID = shapeCount
        try LogBody.forEach(self) { entry throws(CodexError) in
            guard case .system(let space, let keyRange, let value) = entry else {
                if case .item(let item) = entry, isSchemaChange || item.key.isEmpty {
                    throw Wire.corrupted("an item in the log")
                }
                return
            }
            guard (1..<LongKey.pieceByteCount).contains(keyRange.count) else {
                throw Wire.corrupted("a key in the log")
            }
            let key = Array(bytes[keyRange])
            switch space {
            case .meta where !isSchemaChange && key == DigestKey.key:
                guard let value else { throw Wire.corrupted("the key of idempotency tokens") }
                _ = try DigestKey(Array(bytes[value]))
            case .meta where !isSchemaChange && EarlierWrites.isKey(key):
                guard let value else { throw Wire.corrupted("the versions of older programs") }
                _ = try EarlierWrites(Array(bytes[value]))
            case .meta:
                guard isSchemaChange || key == LeaderPosition.key && value != nil else {
                    throw Wire.corrupted("an entry of the log")
                }
            case .shapes:
                // An existing shape, which items refer to, never changes.
                guard let value, shapeID < StoreLimits.shapeCountMax,
                    key == ShapeRegistry.key(UInt32(shapeID))
                else {
                    throw Wire.corrupted("the numbers of shapes in the log")
                }
                _ = try Shape(id: UInt32(shapeID), encoded: Array(bytes[value]).span)
                shapeID += 1
            case .tokens, .consumers:
                // A removed entry may have any form: it may be from before this check existed.
                guard let value else { return }
                try Self.requireWellFormed(space, key, Array(bytes[value]))
            }
        }
    }

    /// Throws unless an entry of `tokens` or `consumers` has a valid form.
    ///
    /// An invalid key would stop the code that reads all entries.
    private static func requireWellFormed(
        _ space: SystemSpace, _ key: [UInt8], _ value: [UInt8]
    ) throws(CodexError) {
        if space == .consumers { return try Consumer.requireWellFormed(key, value) }
        guard RememberedToken.isEntry(key, value) else {
            throw Wire.corrupted("an idempotency token in the log")
        }
    }
}
