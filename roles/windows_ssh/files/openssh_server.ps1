# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Brings a capability of Windows, which no module does. JSON in: name. JSON out: changed. A rule for its port comes with that of OpenSSH.
[CmdletBinding(SupportsShouldProcess)]
param (
    [Parameter(Mandatory)] [string] $Wanted
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$wish = $Wanted | ConvertFrom-Json
$changed = [string] (Get-WindowsCapability -Online -Name $wish.name).State -ne 'Installed'
if ($changed -and $PSCmdlet.ShouldProcess($wish.name, 'Install')) {
    $null = Add-WindowsCapability -Online -Name $wish.name
}
ConvertTo-Json -Compress -InputObject @{ changed = $changed }
