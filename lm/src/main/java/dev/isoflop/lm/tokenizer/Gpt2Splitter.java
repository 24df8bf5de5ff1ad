package dev.isoflop.lm.tokenizer;

/**
 * GPT-2's pre-tokenisation over UTF-8 bytes, as a state machine.
 *
 * <p>Exactly the matches of {@code 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+} (Radford et al.
 * 2019, {@code encoder.py}), with {@code \s} as Unicode's White_Space. The pattern matches every text wholly and never looks back, so
 * a piece is a function of where it starts. A malformed byte counts as one character that is neither letter, number nor space, as
 * U+FFFD would be; it stays in the piece as it is.
 */
final class Gpt2Splitter {

    static final int SPACE = 0;
    static final int LETTER = 1;
    static final int NUMBER = 2;
    static final int OTHER = 3;

    private static final byte[] BMP = new byte[0x10000];

    static {
        for (int c = 0; c < BMP.length; c++) {
            BMP[c] = (byte) classify(c);
        }
    }

    private Gpt2Splitter() {}

    /** The end of the piece that starts at {@code from}; {@code from < end}. */
    static int pieceEnd(byte[] text, int from, int end) {
        int first = text[from];
        if (first == '\'') {
            int length = contraction(text, from, end);
            if (length > 0) {
                return from + length;
            }
        }
        int at = at(text, from, end);
        if (first == ' ' && from + 1 < end) {
            int second = at(text, from + 1, end);
            if ((second & 3) != SPACE) {
                return runEnd(text, from + 1 + (second >>> 2), end, second & 3);
            }
        }
        int kind = at & 3;
        int next = from + (at >>> 2);
        if (kind != SPACE) {
            return runEnd(text, next, end, kind);
        }
        // \s+(?!\S): a run of white space before a word gives its last character away, unless it is all there is
        int last = from;
        while (next < end) {
            int here = at(text, next, end);
            if ((here & 3) != SPACE) {
                return last > from ? last : next;
            }
            last = next;
            next += here >>> 2;
        }
        return end;
    }

    /**
     * The first position at or after {@code wanted} where every text that agrees with this one is cut, {@code end} if there is none.
     *
     * <p>No piece goes from a character that is not white space to one that is. Restricted to ASCII white space after an ASCII
     * character, which is enough in practice and needs no decoding backwards.
     */
    static int certainCut(byte[] text, int wanted, int end) {
        for (int i = Math.max(wanted, 1); i < end; i++) {
            byte before = text[i - 1];
            if (text[i] >= 0 && BMP[text[i]] == SPACE && before >= 0 && BMP[before] != SPACE) {
                return i;
            }
        }
        return end;
    }

    private static int runEnd(byte[] text, int from, int end, int kind) {
        int i = from;
        while (i < end) {
            byte b = text[i];
            if (b >= 0) {
                if (BMP[b] != kind) {
                    return i;
                }
                i++;
            } else {
                int here = wide(text, i, end);
                if ((here & 3) != kind) {
                    return i;
                }
                i += here >>> 2;
            }
        }
        return i;
    }

    private static int contraction(byte[] text, int from, int end) {
        if (from + 1 >= end) {
            return 0;
        }
        int a = text[from + 1];
        if (a == 's' || a == 't' || a == 'm' || a == 'd') {
            return 2;
        }
        if (from + 2 >= end) {
            return 0;
        }
        int b = text[from + 2];
        return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? 3 : 0;
    }

    /** Class of the character at {@code i} in the low two bits, its length in bytes above them. */
    private static int at(byte[] text, int i, int end) {
        byte b = text[i];
        return b >= 0 ? BMP[b] | (1 << 2) : wide(text, i, end);
    }

    private static int wide(byte[] text, int i, int end) {
        int b = text[i] & 0xFF;
        if (b >= 0xC2 && b <= 0xDF) {
            if (i + 1 < end && continues(text[i + 1])) {
                return BMP[((b & 0x1F) << 6) | (text[i + 1] & 0x3F)] | (2 << 2);
            }
        } else if ((b & 0xF0) == 0xE0) {
            if (i + 2 < end && continues(text[i + 1]) && continues(text[i + 2])) {
                int c = ((b & 0x0F) << 12) | ((text[i + 1] & 0x3F) << 6) | (text[i + 2] & 0x3F);
                if (c >= 0x800 && (c < 0xD800 || c > 0xDFFF)) {
                    return BMP[c] | (3 << 2);
                }
            }
        } else if (b >= 0xF0 && b <= 0xF4 && i + 3 < end) {
            if (continues(text[i + 1]) && continues(text[i + 2]) && continues(text[i + 3])) {
                int c = ((b & 0x07) << 18)
                        | ((text[i + 1] & 0x3F) << 12)
                        | ((text[i + 2] & 0x3F) << 6)
                        | (text[i + 3] & 0x3F);
                if (c >= 0x10000 && c <= 0x10FFFF) {
                    return classify(c) | (4 << 2);
                }
            }
        }
        return OTHER | (1 << 2);
    }

    private static boolean continues(byte b) {
        return (b & 0xC0) == 0x80;
    }

    private static int classify(int c) {
        if (isWhiteSpace(c)) {
            return SPACE;
        }
        return switch (Character.getType(c)) {
            case Character.UPPERCASE_LETTER,
                    Character.LOWERCASE_LETTER,
                    Character.TITLECASE_LETTER,
                    Character.MODIFIER_LETTER,
                    Character.OTHER_LETTER -> LETTER;
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> NUMBER;
            default -> OTHER;
        };
    }

    /** Unicode's White_Space property; {@link Character#isWhitespace(int)} is another set. */
    private static boolean isWhiteSpace(int c) {
        return (c >= 0x09 && c <= 0x0D)
                || c == 0x20
                || c == 0x85
                || c == 0xA0
                || c == 0x1680
                || (c >= 0x2000 && c <= 0x200A)
                || c == 0x2028
                || c == 0x2029
                || c == 0x202F
                || c == 0x205F
                || c == 0x3000;
    }
}
