package dev.isoflop.scaling.accounting;

import org.jspecify.annotations.Nullable;

/**
 * What the work is done on.
 *
 * @param device one of them
 * @param devices how many, each with the whole model and a batch of its own
 * @param mfu model FLOPs utilisation, in 0..1 (Chowdhery et al. 2022, PaLM, appendix B)
 * @param pricePerHour of one device, in any money; null for no cost
 */
public record Deployment(
        DeviceSheet device,
        int devices,
        double mfu,
        @Nullable Double pricePerHour) {

    /** @throws AccountingException naming the field that is wrong and what would be right */
    public Deployment {
        if (devices < 1 || devices > 10_000_000) {
            throw new AccountingException("devices", "= " + devices + " must be at least 1");
        }
        if (!(mfu > 0 && mfu <= 1)) {
            throw new AccountingException("mfu", "= " + mfu + " must be above 0 and at most 1; 0.4 is usual");
        }
        if (pricePerHour != null && !(pricePerHour >= 0 && Double.isFinite(pricePerHour))) {
            throw new AccountingException("pricePerHour", "= " + pricePerHour + " must be 0 or more");
        }
    }
}
