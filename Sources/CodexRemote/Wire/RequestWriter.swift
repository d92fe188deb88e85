#if Remote
    internal import CodexCore

    /// Writes the JSON of a request.
    struct RequestWriter {
        private var json = JSONWriter()
        /// Whether the object or array that is open has no element yet.
        private var isFirst = true

        /// The JSON object of a request.
        ///
        /// - Parameter write: Writes its members.
        /// - Returns: The bytes.
        static func body(_ write: (inout RequestWriter) -> Void) -> [UInt8] {
            var writer = RequestWriter()
            writer.enclosed("{", "}", write)
            return writer.json.bytes
        }

        /// A member with text.
        mutating func text(_ name: String, _ value: String) {
            begin(name)
            json.string(value)
        }

        /// A member with an integer.
        mutating func integer(_ name: String, _ value: Int) {
            begin(name)
            json.raw(String(value))
        }

        /// A member with `true` or `false`.
        mutating func flag(_ name: String, _ value: Bool) {
            begin(name)
            json.raw(value ? "true" : "false")
        }

        /// A member with an item in typed JSON.
        mutating func item(_ name: String, _ item: Item) {
            begin(name)
            json.typed(item)
        }

        /// A member with a value in typed JSON.
        mutating func value(_ name: String, _ value: AttributeValue) {
            begin(name)
            json.typed(value)
        }

        /// A member with an object.
        mutating func object(_ name: String, _ write: (inout RequestWriter) -> Void) {
            begin(name)
            enclosed("{", "}", write)
        }

        /// A member with an array of objects.
        mutating func objects<Element>(
            _ name: String, _ elements: some Sequence<Element>,
            _ write: (inout RequestWriter, Element) -> Void
        ) {
            begin(name)
            enclosed("[", "]") { array in
                for element in elements {
                    array.separate()
                    array.enclosed("{", "}") { write(&$0, element) }
                }
            }
        }

        /// A member with an array of items in typed JSON.
        mutating func items(_ name: String, _ items: some Sequence<Item>) {
            begin(name)
            enclosed("[", "]") { array in
                for item in items {
                    array.separate()
                    array.json.typed(item)
                }
            }
        }

        private mutating func separate() {
            if !isFirst { json.raw(",") }
            isFirst = false
        }

        private mutating func begin(_ name: String) {
            separate()
            json.string(name)
            json.raw(":")
        }

        private mutating func enclosed(
            _ open: String, _ close: String, _ write: (inout RequestWriter) -> Void
        ) {
            json.raw(open)
            isFirst = true
            write(&self)
            json.raw(close)
            isFirst = false
        }
    }
#endif
