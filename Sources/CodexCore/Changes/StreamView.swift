/// The images of an item in a stream's records (DynamoDB's `StreamViewType`).
public enum StreamView: String, Sendable, Hashable, Codable, CaseIterable {
    /// No image: the key only.
    case keysOnly = "KEYS_ONLY"
    /// The item after the change.
    case newImage = "NEW_IMAGE"
    /// The item before the change.
    case oldImage = "OLD_IMAGE"
    /// Both images.
    case newAndOldImages = "NEW_AND_OLD_IMAGES"
}
