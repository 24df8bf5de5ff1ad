import { useQuery } from "@tanstack/react-query";
import { ui } from "../../ui/parts";
import { catalogueQuery } from "./asking";
import { Labelled } from "./Labelled";

/** A device that the platform knows the sheet of. */
export function DeviceChoice(props: {
  value: string | undefined;
  fault: string | undefined;
  onChange: (device: string) => void;
}) {
  const devices = useQuery(catalogueQuery).data?.devices ?? [];
  return (
    <Labelled name="Device" fault={props.fault}>
      {(given) => (
        <select
          {...given}
          className={ui.input}
          value={props.value ?? "H100"}
          onChange={(event) => props.onChange(event.target.value)}
        >
          {devices.map((device) => (
            <option key={device.name}>{device.name}</option>
          ))}
        </select>
      )}
    </Labelled>
  );
}
