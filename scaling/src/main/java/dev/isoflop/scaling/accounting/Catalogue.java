package dev.isoflop.scaling.accounting;

import java.util.List;

/**
 * What a question may name.
 *
 * @param presets published models
 * @param devices whose sheet is known
 */
public record Catalogue(List<Preset> presets, List<DeviceSheet> devices) {

    public static Catalogue all() {
        return new Catalogue(Preset.all(), DeviceSheet.known());
    }
}
