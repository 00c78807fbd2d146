/// Finds the word that was meant by one that is not known. Pure.
enum Suggestion {
    /// The nearest of `words`; nil where none is near enough.
    static func nearest(to word: String, in words: some Sequence<String>) -> String? {
        let limit = word.count < 4 ? 1 : word.count < 8 ? 2 : 3
        return words.map { (word: $0, distance: distance(word, $0), change: abs(word.count - $0.count)) }
            .filter { $0.distance <= limit && $0.distance < max(word.count, $0.word.count) }
            .min { ($0.distance, $0.change, $0.word) < ($1.distance, $1.change, $1.word) }?.word
    }

    /// How many letters have to be inserted, removed, replaced or swapped with their neighbour.
    static func distance(_ first: String, _ second: String) -> Int {
        let (left, right) = (Array(first.prefix(64)), Array(second.prefix(64)))
        var before: [Int] = []
        var last = Array(0...right.count)
        for (row, letter) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var best = min(last[column] + (letter == other ? 0 : 1), last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                    best = min(best, before[column - 1] + 1)
                }
                current.append(best)
            }
            (before, last) = (last, current)
        }
        return last[right.count]
    }
}
