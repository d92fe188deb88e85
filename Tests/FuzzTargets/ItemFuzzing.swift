internal import CodexCore

extension FuzzTarget {
    /// Stored items: all ways of reading one agree, and what is decoded is encoded again.
    static let items = FuzzTarget("items", seeds: ItemFuzzing.seeds, check: ItemFuzzing.check)
}

enum ItemFuzzing {
    static func seeds() throws -> [[UInt8]] {
        var seeds: [[UInt8]] = []
        for item in try SampleItems.all() {
            for ownNames in [true, false] {
                let header = ItemHeader(
                    entityNumber: 3, schemaVersion: 2, version: 300,
                    expiresAt: ownNames ? nil : 1_700_000_000)
                seeds.append(
                    try ItemCodec.encode(
                        item, header: header, excluding: [], shapes: FuzzShapes(ownNames: ownNames))
                )
            }
        }
        return seeds
    }

    /// An item's encoding with its own names; `nil` for an item with more than one may have.
    static func stored(_ item: Item) -> [UInt8]? {
        let encoded = mustSucceed("an item is encoded") {
            try ItemCodec.encode(
                item, header: ItemHeader(), excluding: [], shapes: FuzzShapes(ownNames: true))
        }
        let decoded = try? withView(encoded, FuzzShapes(ownNames: true)) { view in try view.item() }
        require(decoded.map { $0 == item } ?? true, "encoding keeps the item")
        return decoded == nil ? nil : encoded
    }

    static func check(_ bytes: [UInt8]) {
        var input = FuzzInput(bytes)
        checkEncoding(input.item(), ItemHeader())
        let shapes = FuzzShapes()
        let sound = try? withView(bytes, shapes) { view in
            try view.bytes.soundItem(keeping: view.bytes.layout.shape.names, reserving: nil)
        }
        let decoded = try? withView(bytes, shapes) { view in (try view.item(), view.header) }
        guard let (item, header) = decoded else {
            require(sound == nil, "an item that is sound is decoded")
            return
        }
        require(sound?.byteCount == item.byteCount, "a decoded item is sound, and has its size")
        checkValues(bytes, shapes, item)
        checkJSON(bytes, shapes, item)
        checkEncoding(item, header)
    }

    /// Value by value, the item is the same as read at once.
    private static func checkValues(_ bytes: [UInt8], _ shapes: FuzzShapes, _ item: Item) {
        mustSucceed("a decoded item is read value by value") {
            try withView(bytes, shapes) { view in
                require(view.attributeCount == item.count, "an item has all its attributes")
                for (position, element) in item.elements.enumerated() {
                    require(
                        ByteOrder.equal(view.name(at: position), element.name),
                        "names are in order")
                    require(
                        try view.value(at: position) == element.value, "a value is the same alone")
                    require(
                        try view.value(element.name) == element.value,
                        "a value is found by its name")
                    require(
                        try view.int64(element.name) == element.value.number?.int64,
                        "an integer is read in place")
                }
            }
        }
    }

    /// The JSON that is written from the bytes is that of the item.
    private static func checkJSON(_ bytes: [UInt8], _ shapes: FuzzShapes, _ item: Item) {
        let memory = DecodedMemory(ask: { _ in true }, release: { _ in })
        var json = JSONWriter()
        let byteCount = mustSucceed("a decoded item is written as JSON") {
            try withView(bytes, shapes) { view in
                try view.writeTypedJSON(reserving: memory) { json.append($0) }
            }
        }
        require(byteCount == item.byteCount, "the size that is counted for JSON is the item's")
        require(
            json.bytes == Array(DynamoDBJSON.text(item).utf8),
            "JSON of stored bytes is that of the item")
    }

    /// What is encoded again decodes to the same, and encodes to the same bytes.
    private static func checkEncoding(_ item: Item, _ header: ItemHeader) {
        for ownNames in [true, false] {
            let shapes = FuzzShapes(ownNames: ownNames)
            let encoded = mustSucceed("a decoded item is encoded") {
                try ItemCodec.encode(item, header: header, excluding: [], shapes: shapes)
            }
            let (again, readHeader) = mustSucceed("an encoded item is decoded") {
                try withView(encoded, shapes) { view in (try view.item(), view.header) }
            }
            require(again == item && readHeader == header, "encoding keeps the item")
            let twice = mustSucceed("a decoded item is encoded") {
                try ItemCodec.encode(again, header: header, excluding: [], shapes: shapes)
            }
            require(twice == encoded, "equal items have equal encodings")
            require(
                ItemHeader(beginningOf: encoded.span) == header, "the header is read alone")
        }
    }
}
