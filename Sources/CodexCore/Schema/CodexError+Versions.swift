extension CodexError {
    /// The error for an item of a later schema version than the program knows.
    package static func programTooOld(
        _ entity: String, known: Int, item: Int
    ) -> CodexError {
        CodexError(
            .programTooOld,
            "This program knows version \(known) of \(entity), the item has \(item). Update the "
                + "program.")
    }
}
