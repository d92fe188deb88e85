package import CodexCore

/// Items as earlier releases encoded them.
package enum EarlierItem {
    /// The encoding of an item in format 2, in which the text of instants is text.
    ///
    /// - Parameters:
    ///   - bytes: An encoding in the present format. Both encodings have narrow offsets.
    ///   - shapes: The shapes of the item's store.
    /// - Throws: ``CodexError/Code/corrupted``.
    package static func formatTwo(
        _ bytes: [UInt8], shapes: any ShapeSource
    ) throws(CodexError) -> [UInt8] {
        let layout = try ItemLayout(bytes.span, shapes: shapes)
        var (values, ends): ([UInt8], [UInt8]) = ([], [])
        var firstStart = bytes.count
        for position in 0..<layout.count {
            let (start, end) = try layout.range(bytes.span, position)
            firstStart = min(firstStart, start)
            if bytes[start] == ValueCodec.Tag.instant.rawValue {
                let text = try ValueCodec.decode(bytes.span, start, end)
                ValueCodec.append(text, topLevel: true, to: &values)
            } else {
                values += bytes[start..<end]
            }
            ends.append(UInt8(truncatingIfNeeded: values.count))
            ends.append(UInt8(truncatingIfNeeded: values.count >> 8))
        }
        precondition(bytes[0] & 1 == 0 && values.count <= Int(UInt16.max), "Wide offsets")
        var earlier: [UInt8] = [2 << 4 | bytes[0] & 0x0F]
        earlier += bytes[1..<(firstStart - ends.count)]
        earlier += ends
        earlier += values
        return earlier
    }
}
