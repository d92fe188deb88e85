internal import CodexCore

extension FuzzTarget {
    /// DynamoDB JSON: what is parsed is printed, by two writers alike, and parsed again.
    static let json = FuzzTarget(
        "json",
        words: [
            "\"S\":", "\"N\":", "\"B\":", "\"BOOL\":", "\"NULL\":", "\"L\":", "\"M\":", "\"SS\":",
            "\"NS\":", "\"BS\":", "true", "false", "null", "\\u00", "\\ud83d\\ude00", "{\"", "\"}",
            "\"Item\":", "\"Header\":", "AA==",
        ],
        seeds: JSONFuzzing.seeds, check: JSONFuzzing.check)
}

private enum JSONFuzzing {
    static func seeds() throws -> [[UInt8]] {
        var seeds = [
            #"{"Item":{"a":{"S":"x"}}}"#, #"{"Item":{"a":{"S":"x"}},"Header":{"version":1}}"#,
            #" { "a" : { "N" : "1e3" } } "#, #"{"a":{"S":"\ud83d\ude00\u0000\/"}}"#,
            #"{"a":[1,-2.5e-3,{"b":null}],"c":true}"#,
        ].map { Array($0.utf8) }
        for item in try SampleItems.all() {
            seeds.append(Array(DynamoDBJSON.text(item).utf8))
            seeds.append(Array(DynamoDBJSON.plainText(item).utf8))
        }
        return seeds
    }

    static func check(_ bytes: [UInt8]) {
        if let item = try? DynamoDBJSON.item(parsing: bytes) { check(item) }
        guard let plain = try? DynamoDBJSON.item(parsingPlain: bytes) else { return }
        let text = DynamoDBJSON.plainText(plain)
        let again = mustSucceed("printed JSON is parsed") {
            try DynamoDBJSON.item(parsingPlain: Array(text.utf8))
        }
        require(again == plain, "plain JSON keeps what was read of it")
    }

    private static func check(_ item: Item) {
        let text = Array(DynamoDBJSON.text(item).utf8)
        // An attribute `Item` alone would be unwrapped.
        if item.names != ["Item"], item.names != ["Header", "Item"] {
            let again = mustSucceed("printed JSON is parsed") {
                try DynamoDBJSON.item(parsing: text)
            }
            require(again == item, "DynamoDB JSON keeps the item")
        }
        // What nests deeper than an item may is not stored, and no writer takes it.
        guard let stored = ItemFuzzing.stored(item) else { return }
        var fromMemory = JSONWriter()
        mustSucceed("an item in memory is written") {
            try item.writeTypedJSON { fromMemory.append($0) }
        }
        require(fromMemory.bytes == text, "both writers give the same JSON")
        checkStored(stored, item, text)
    }

    /// The JSON of the stored bytes is the same.
    private static func checkStored(_ stored: [UInt8], _ item: Item, _ text: [UInt8]) {
        let memory = DecodedMemory(ask: { _ in true }, release: { _ in })
        var json = JSONWriter()
        let byteCount = mustSucceed("a stored item is written") {
            try withView(stored, FuzzShapes(ownNames: true)) { view in
                try view.writeTypedJSON(reserving: memory) { json.append($0) }
            }
        }
        require(json.bytes == text, "JSON of stored bytes is that of the item")
        require(byteCount == item.byteCount, "the size that is counted for JSON is the item's")
    }
}
