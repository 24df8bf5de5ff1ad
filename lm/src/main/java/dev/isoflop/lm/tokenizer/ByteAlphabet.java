package dev.isoflop.lm.tokenizer;

import java.util.Arrays;

/**
 * GPT-2's one-to-one map between bytes and printable characters, the spelling of tokens in {@code tokenizer.json}.
 *
 * <p>The 188 bytes that Latin-1 prints stand for themselves; the other 68, in byte order, become U+0100 and up.
 */
final class ByteAlphabet {

    private static final char[] CHAR_OF = new char[256];
    private static final short[] BYTE_OF = new short[256 + 68];
    /** The bytes in the order of their characters: the order in which trainers number them. */
    private static final int[] ORDER = new int[256];

    static {
        Arrays.fill(BYTE_OF, (short) -1);
        int next = 256;
        int printed = 0;
        for (int b = 0; b < 256; b++) {
            boolean prints = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
            CHAR_OF[b] = (char) (prints ? b : next++);
            BYTE_OF[CHAR_OF[b]] = (short) b;
        }
        for (int c = 0; c < BYTE_OF.length; c++) {
            if (BYTE_OF[c] >= 0) {
                ORDER[printed++] = BYTE_OF[c];
            }
        }
    }

    private ByteAlphabet() {}

    /** The byte numbered {@code position} when bytes are sorted by their character. */
    static int inOrder(int position) {
        return ORDER[position];
    }

    static String spell(byte[] token) {
        StringBuilder text = new StringBuilder(token.length);
        for (byte b : token) {
            text.append(CHAR_OF[b & 0xFF]);
        }
        return text.toString();
    }

    /** @throws IllegalArgumentException if a character stands for no byte */
    static byte[] bytes(String spelled) {
        byte[] token = new byte[spelled.length()];
        for (int i = 0; i < token.length; i++) {
            char c = spelled.charAt(i);
            if (c >= BYTE_OF.length || BYTE_OF[c] < 0) {
                throw new IllegalArgumentException("token \"" + spelled + "\" has the character U+"
                        + String.format("%04X", (int) c) + ", which stands for no byte in the byte-level alphabet");
            }
            token[i] = (byte) BYTE_OF[c];
        }
        return token;
    }
}
